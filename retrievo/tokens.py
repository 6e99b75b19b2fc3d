"""What each step that counts tokens has to know: bounded pieces of text, and no lone surrogates."""

from collections.abc import Callable

import numpy as np

from retrievo.contracts import Spans

PIECE = 16_384
"""Characters that a tokenizer is given at once: most take more than twice the time for twice the
text."""

_TRIES = 64


def without_surrogates(text: str) -> str:
    """The text with U+FFFD in the place of each lone surrogate, which tokenizers refuse.

    It has as many characters as before, so that offsets stay.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text


def spans_in_pieces(token_spans: Callable[[str], Spans], text: str) -> Spans:
    """int32[n, 2] of the whole text; the tokenizer sees pieces of at most `PIECE` characters.

    They end before a single space, where no common tokenizer has a token across. Where
    there is none for half a piece, the cut may part what would be one token.
    """
    if len(text) <= PIECE:
        return np.asarray(token_spans(text), dtype=np.int32).reshape(-1, 2)
    parts = []
    start = 0
    while start < len(text):
        end = _piece_end(text, start)
        spans = np.asarray(token_spans(text[start:end]), dtype=np.int32)
        parts.append(spans.reshape(-1, 2) + np.int32(start))
        start = end
    return np.concatenate(parts)


def _piece_end(text: str, start: int) -> int:
    limit = start + PIECE
    if limit >= len(text):
        return len(text)
    low = start + PIECE // 2
    space = limit
    for _ in range(_TRIES):
        space = text.rfind(" ", low, space)
        if space < 0:
            break
        if not text[space - 1].isspace() and not text[space + 1].isspace():
            return space
    space = text.rfind(" ", low, limit)
    if space < 0:
        space = text.rfind("\n", low, limit)
    return limit if space < 0 else space
