"""Cuts a measured text into overlapping windows of at most so many tokens, at the best places."""

import re

from retrievo.chunk.boundaries import Boundaries, inside_character
from retrievo.chunk.measured import Measured

_TEXT = re.compile(r"\S")

Window = tuple[int, int, int]
"""Start and end in characters, and tokens."""


class Windows:
    """The windows of a text that neither begins nor ends with white space, nor do they.

    Each is cut at the best place that leaves it half full, if there is one. Together they hold
    each character that is not white space. One has more than `budget` tokens only where a single
    character has.
    """

    def __init__(self, measured: Measured, budget: int, overlap: int) -> None:
        self._measured = measured
        self._text = measured.text
        self._budget = budget
        self._overlap = overlap
        self._places = Boundaries(measured.text)

    def cut(self) -> list[Window]:
        """The windows in order, with `overlap` tokens or fewer of each at the start of the next."""
        found: list[Window] = []
        start = done = 0
        while True:
            window = self._longest(start, done)
            if window is None:
                # The overlap left no room for anything new.
                start = self._skip(done)
                window = self._longest(start, done) or self._shortest(start)
            found.append(window)
            done = window[1]
            if done >= len(self._text):
                return found
            start = self._next_start(*window)

    def _longest(self, start: int, done: int) -> Window | None:
        """The window from `start` that reaches beyond `done`, None where none fits."""
        text, starts = self._text, self._measured.starts
        first = self._measured.index(start)
        room = min(self._budget, len(starts) - first)
        low = max(start, done)
        while room > 0:
            if first + room >= len(starts):
                end = len(text)
            else:
                limit = int(starts[first + room])
                if limit <= low:
                    return None
                end = self._places.last(low, int(starts[first + (room - 1) // 2]), limit)
                end = start + len(text[start:end].rstrip())
                if end <= low:
                    return None
            tokens = self._measured.count(start, end)
            if tokens <= self._budget:
                return start, end, tokens
            # Alone it has more tokens than its share of the whole: a word's place in a text counts.
            room -= tokens - self._budget
        return None

    def _shortest(self, start: int) -> Window:
        """What is left where not even one token fits: as much of it as does, or one character."""
        text = self._text
        end = start + 1
        while end < len(text) and inside_character(text, end):
            end += 1
        return start, end, self._measured.count(start, end)

    def _next_start(self, start: int, end: int, tokens: int) -> int:
        keep = min(self._overlap, tokens - 1)
        if keep > 0:
            low = int(self._measured.starts[max(self._measured.index(end) - keep, 0)])
            begin = self._skip(self._places.first(max(low, start + 1), end))
            if start < begin < end:
                return begin
        return self._skip(end)

    def _skip(self, place: int) -> int:
        found = _TEXT.search(self._text, place)
        return found.start() if found else len(self._text)
