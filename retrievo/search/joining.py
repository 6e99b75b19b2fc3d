"""Chunks of one document that stand side by side, as one chunk."""

from collections.abc import Sequence

from retrievo.types import Chunk


def joined(chunks: Sequence[Chunk], *, most_gap: int = 0) -> Chunk | None:
    """One chunk from the first's start to the last's end; None where more text than that is lost.

    Chunkers lose no word, and leave out white space between two chunks: a gap of at most `most_gap`
    characters is filled with as many spaces, or line breaks where it is longer than one. The tokens
    are the sum of the chunks' own: at most so many, where they overlap. The context is the first
    one's: a chunk that begins with its title has it in its text.
    """
    start = at = chunks[0].start
    text = ""
    for chunk in chunks:
        gap = chunk.start - at
        if gap > most_gap:
            return None
        text += (" " if gap == 1 else "\n" * gap) + chunk.text[max(0, -gap) :]
        at = max(at, chunk.end)
    first = chunks[0]
    tokens = sum(chunk.token_count for chunk in chunks)
    return Chunk(first.doc_id, text, start, at, tokens, first.metadata, first.context)
