"""What a chunker gave, checked: a store must never see a span that is not there."""

from collections.abc import Iterable
from dataclasses import replace

from retrievo.errors import DocumentError
from retrievo.metadata import plain_metadata
from retrievo.types import Chunk, Document


def checked_chunks(document: Document, given: Iterable[Chunk]) -> list[Chunk]:
    """The chunks as a list, with JSON values in their metadata.

    Raises DocumentError unless there is at least one, each is an exact slice of the document,
    they come in the order of their starts, and no two have one id.
    """
    chunks = list(given)
    last = 0
    for place, chunk in enumerate(chunks):
        if not isinstance(chunk, Chunk):
            raise DocumentError(f"the chunker gave a {type(chunk).__name__}, a Chunk is wanted")
        start, end = chunk.start, chunk.end
        if not (type(start) is type(end) is type(chunk.token_count) is int):
            numbers = (start, end, chunk.token_count)
            raise DocumentError(
                f"the chunker gave a chunk with start, end and token_count {numbers!r}; "
                "ints are wanted"
            )
        exact = 0 <= start <= end <= len(document.text)
        if not exact or document.text[start:end] != chunk.text:
            raise DocumentError(
                f"the chunker gave a chunk [{start}:{end}] whose text is not that slice of the "
                "document"
            )
        if chunk.doc_id != document.id:
            raise DocumentError(
                f"the chunker gave a chunk [{start}:{end}] of document {chunk.doc_id!r}"
            )
        if start < last:
            raise DocumentError(
                f"the chunker gave the chunk [{start}:{end}] after one that starts later"
            )
        last = start
        if chunk.metadata is not document.metadata:
            metadata = plain_metadata(chunk.metadata, document.id)
            if metadata != chunk.metadata:
                chunks[place] = replace(chunk, metadata=metadata)
    if not chunks:
        raise DocumentError("the chunker gave no chunk; an empty text has one, empty")
    if len({chunk.id for chunk in chunks}) != len(chunks):
        raise DocumentError("the chunker gave two chunks with one id")
    return chunks
