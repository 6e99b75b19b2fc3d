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
        numbers = (chunk.start, chunk.end, chunk.token_count)
        if any(type(number) is not int for number in numbers):
            raise DocumentError(
                f"the chunker gave a chunk with start, end and token_count {numbers!r}; "
                "ints are wanted"
            )
        span = f"[{chunk.start}:{chunk.end}]"
        exact = 0 <= chunk.start <= chunk.end <= len(document.text)
        if not exact or document.text[chunk.start : chunk.end] != chunk.text:
            raise DocumentError(
                f"the chunker gave a chunk {span} whose text is not that slice of the document"
            )
        if chunk.doc_id != document.id:
            raise DocumentError(f"the chunker gave a chunk {span} of document {chunk.doc_id!r}")
        if chunk.start < last:
            raise DocumentError(f"the chunker gave the chunk {span} after one that starts later")
        last = chunk.start
        if chunk.metadata is not document.metadata:
            metadata = plain_metadata(chunk.metadata, document.id)
            if metadata != chunk.metadata:
                chunks[place] = replace(chunk, metadata=metadata)
    if not chunks:
        raise DocumentError("the chunker gave no chunk; an empty text has one, empty")
    if len({chunk.id for chunk in chunks}) != len(chunks):
        raise DocumentError("the chunker gave two chunks with one id")
    return chunks
