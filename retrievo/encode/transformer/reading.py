"""A long text read in overlapping windows, so that each token is read with what surrounds it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Spans
from retrievo.encode.transformer.tokenizing import Tokens, TransformerTokenizer

OVERLAP = 4
"""Macro-windows share a fourth of their room: no token but the text's first and last ones has less
than an eighth of a window before and behind it."""


class Window(NamedTuple):
    """A part of a text as the model reads it, and which of its tokens are taken from there.

    `tokens` holds special tokens, prompt and context as well; the text's own begin at `lead`.
    The text's tokens from `first` up to `last` are taken from this window, which begins with the
    token `begin`; all are numbers of the text's tokens.
    """

    tokens: Tokens
    lead: int
    begin: int
    first: int
    last: int


class Reading(NamedTuple):
    """A text's windows, and int32[n, 2]: where its n tokens are, in characters."""

    windows: list[Window]
    spans: Spans


class Reader:
    """Cuts texts into macro-windows of what a model reads at once.

    Guenther et al. 2024, Late Chunking, "long late chunking": there the overlap's tokens come from
    the later window; here each comes from the window where it has most context.
    """

    def __init__(self, tokenizer: TransformerTokenizer, max_tokens: int | None) -> None:
        self._tokenizer = tokenizer
        self._limit = max_tokens
        around, types = tokenizer.around()
        self._before, self._behind, self._types = *around, types

    def read(self, text: str, *, prompt: str, context: str) -> Reading:
        """The windows of a text; prompt and context stand before each. No tokens, no windows.

        The context is cut where it would take more than half of the room.
        """
        ids, spans = self._tokenizer.ids_and_spans(text)
        if not ids:
            return Reading([], spans)
        head = self._head(prompt, context)
        n, room = len(ids), len(ids)
        if self._limit is not None:
            room = max(1, self._limit - len(self._before) - len(self._behind) - len(head))
        windows = []
        for begin, end, first, last in ranges(n, room, room // OVERLAP):
            whole = [*self._before, *head, *ids[begin:end], *self._behind]
            tokens = Tokens(whole, [self._types] * len(whole))
            windows.append(Window(tokens, len(self._before) + len(head), begin, first, last))
        return Reading(windows, spans)

    def _head(self, prompt: str, context: str) -> list[int]:
        head = self._tokenizer.ids_and_spans(prompt)[0] if prompt else []
        if not context:
            return head
        more = self._tokenizer.ids_and_spans(f"{context}\n")[0]
        if self._limit is not None:
            free = self._limit - len(self._before) - len(self._behind) - len(head)
            more = more[: free // 2]
        return head + more


def ranges(n: int, room: int, overlap: int) -> Iterator[tuple[int, int, int, int]]:
    """Begin and end of each window of n tokens, and the first and last token taken from it.

    Windows overlap by `overlap` tokens, the last one by more, so that it is full as well. What two
    of them share is parted in its middle. Every token is taken once.
    """
    begin = taken = 0
    while True:
        end = min(begin + room, n)
        if end == n:
            yield max(0, min(begin, n - room)), end, taken, n
            return
        following = min(begin + max(1, room - overlap), max(0, n - room))
        last = (following + end + 1) // 2
        yield begin, end, taken, last
        begin, taken = following, last


def token_ranges(spans: Spans, wanted: Spans) -> npt.NDArray[np.int64]:
    """int64[m, 2]: the tokens that have a character in each of the wanted spans.

    Both are in characters; tokens are in order. An empty span has no token.
    """
    first = np.searchsorted(spans[:, 1], wanted[:, 0], side="right")
    last = np.searchsorted(spans[:, 0], wanted[:, 1], side="left")
    last = np.where(wanted[:, 0] < wanted[:, 1], np.maximum(first, last), first)
    return np.stack([first, last], axis=1)
