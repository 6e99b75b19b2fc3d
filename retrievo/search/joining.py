"""Chunks of one document that stand side by side, as one chunk."""

from collections.abc import Sequence

from retrievo.types import Chunk


def joined(chunks: Sequence[Chunk]) -> Chunk | None:
    """One chunk from the first's start to the last's end; None where text between them is lost.

    Its tokens are the sum of theirs: at most so many, where they overlap. Its context is the first
    one's: a chunk that begins with its title has it in its text.
    """
    start = at = chunks[0].start
    text = ""
    for chunk in chunks:
        if chunk.start > at:
            return None
        text += chunk.text[at - chunk.start :]
        at = max(at, chunk.end)
    first = chunks[0]
    tokens = sum(chunk.token_count for chunk in chunks)
    return Chunk(first.doc_id, text, start, at, tokens, first.metadata, first.context)
