"""A document cut from its beginning to its end, at the places that a chunker prefers."""

from collections.abc import Callable

from retrievo.chunk.cutting import Cutter, Places, Window, chunk_of, empty_chunk, fits, trimmed
from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import Sizing
from retrievo.types import Chunk, Document


def cut_document(
    document: Document, sizing: Sizing, places_of: Callable[[str], Places]
) -> list[Chunk]:
    """Chunks in order, without white space at their edges; all else of the text is in one.

    `places_of` tells where a text may be cut. A chunk's context is the title, unless its text
    begins with it. A text of nothing but white space gives one chunk, empty, at 0.
    """
    text = document.text
    context, budget = sizing.fitted(document.title)
    start, end = trimmed(text, 0, len(text))
    if start >= end:
        return [empty_chunk(document, context)]
    windows = _windows(text[start:end], sizing, budget, places_of)
    return [chunk_of(document, start, window, context) for window in windows]


def _windows(
    body: str, sizing: Sizing, budget: int, places_of: Callable[[str], Places]
) -> list[Window]:
    tokens = fits(body, sizing.tokenizer, budget)
    if tokens is not None:
        return [Window(0, len(body), tokens)]
    measured = Measured(body, sizing.tokenizer)
    cutter = Cutter(measured, places_of(measured.text))
    return cutter.cut(0, len(body), budget, sizing.overlap_of(budget))
