"""What is checked of all chunks of a text, whatever the test is about."""

from retrievo.contracts import Chunker
from retrievo.types import Chunk, Document


def check(chunker: Chunker, text: str, title: str = "") -> list[Chunk]:
    """The chunks of a text: exact slices in order that hold all of it but white space."""
    document = Document("d", text, {"year": 2020}, title)
    chunks = chunker.chunk(document)
    assert chunks, "every document has a chunk, so that it can be found by its id"
    assert document.metadata == {"year": 2020}, "the document's metadata was changed"
    last = (0, 0)
    done = 0
    for chunk in chunks:
        span = (chunk.start, chunk.end)
        assert 0 <= chunk.start <= chunk.end <= len(text), f"{span} is outside the text"
        assert text[chunk.start : chunk.end] == chunk.text, f"{span} is not the chunk's text"
        assert span >= last, f"{span} comes after {last}"
        lost = text[done : chunk.start].strip()
        assert not lost, f"this is in no chunk: {lost[:40]!r}"
        last, done = span, max(done, chunk.end)
        assert chunk.doc_id == "d", f"{span} is of document {chunk.doc_id!r}"
        more = {**chunk.metadata, "year": 2020}
        assert more == chunk.metadata, "a chunk carries its document's metadata"
        if chunk.parent is not None:
            start, end = chunk.parent
            assert 0 <= start <= chunk.start, f"{span} begins before its parent {chunk.parent}"
            assert chunk.end <= end <= len(text), f"{span} ends behind its parent {chunk.parent}"
    assert not text[done:].strip(), f"this is in no chunk: {text[done:].strip()[:40]!r}"
    assert len({chunk.id for chunk in chunks}) == len(chunks), "two chunks have one id"
    return chunks
