"""Cuts parts of a measured text into overlapping windows of at most so many tokens."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from retrievo.chunk.measured import Measured
from retrievo.contracts import Tokenizer
from retrievo.titles import begins_with_title
from retrievo.types import Chunk, Document

_TEXT = re.compile(r"\S")
_LIKELY = 16  # characters a token, seldom more


class Window(NamedTuple):
    """A part of a text in characters, and how many tokens it has alone."""

    start: int
    end: int
    tokens: int


class Places(Protocol):
    """Says where a text is best cut; `retrievo.chunk.boundaries.Boundaries` is one."""

    def last(self, low: int, middle: int, limit: int) -> int:
        """The best place to end in (low, limit], one behind `middle` if there is a good one.

        `low` where all of it is within one character.
        """
        ...

    def first(self, low: int, high: int) -> int:
        """The best place to begin again in [low, high); `high` where there is none."""
        ...


class Cutter:
    """Cuts a measured text at the best places of `places`.

    Windows neither begin nor end with white space, and together they hold each character of what
    is cut that is none. One has more than the budget only where a single character has. Those
    parts of the text that are in `kept` (start and end of each, in order, apart) are not cut by the
    budget where they fit into a window; `places` must offer none inside of them.
    """

    def __init__(
        self, measured: Measured, places: Places, *, kept: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._measured = measured
        self._text = measured.text
        self._places = places
        self._kept = kept
        self._kept_starts = [start for start, _ in kept]

    def cut(self, start: int, end: int, budget: int, overlap: int) -> list[Window]:
        """The windows of `text[start:end]` in order; empty where that is white space.

        Each has at most `budget` tokens. What it shares with the next has at most `overlap`, by
        itself. A part that fits is one window.
        """
        start, end = trimmed(self._text, start, end)
        if start >= end:
            return []
        if self._measured.index(end) - self._measured.index(start) <= budget:
            tokens = self._measured.count(start, end)
            if tokens <= budget:
                return [Window(start, end, tokens)]
        found: list[Window] = []
        done = start
        while True:
            window = self._longest(start, done, end, budget)
            if window is None:
                # The overlap left no room for anything new.
                start = self._skip(done, end)
                window = (
                    self._longest(start, done, end, budget)
                    or self._longest(start, done, end, budget, part=True)
                    or Window(start, start + 1, self._measured.count(start, start + 1))
                )
            found.append(window)
            done = window.end
            if done >= end:
                return found
            start = self._next_start(window, overlap, end)

    def _longest(
        self, start: int, done: int, stop: int, budget: int, *, part: bool = False
    ) -> Window | None:
        """The window from `start` that reaches beyond `done`, None where none fits.

        With `part`, what people read as one character may be parted.
        """
        text, starts = self._text, self._measured.starts
        first, last = self._measured.index(start), self._measured.index(stop)
        room = min(budget, last - first)
        low = max(start, done)
        while room > 0:
            if first + room >= last:
                end = stop
            else:
                limit = min(int(starts[first + room]), stop)
                if limit <= low:
                    return None
                middle = int(starts[first + (room - 1) // 2])
                whole = self._whole(low, limit, budget)
                end = self._places.last(low, middle, limit) if whole is None else whole
                if end <= low and part:
                    end = limit
                end = start + len(text[start:end].rstrip())
                if end <= low:
                    return None
            tokens = self._measured.count(start, end)
            if tokens <= budget:
                return Window(start, end, tokens)
            # Alone it has more tokens than its share of the whole: a word's place in a text counts.
            room -= tokens - budget
        return None

    def _whole(self, low: int, limit: int, budget: int) -> int | None:
        """Where a kept part begins that a cut at `limit` would part, if it fits into a window."""
        at = bisect_right(self._kept_starts, limit) - 1
        if at < 0:
            return None
        start, end = self._kept[at]
        if not low < start < limit < end:
            return None
        return start if self._measured.index(end) - self._measured.index(start) <= budget else None

    def _next_start(self, window: Window, overlap: int, stop: int) -> int:
        start, end, tokens = window
        last = self._measured.index(end)
        keep = min(overlap, tokens - 1)
        while keep > 0:
            low = int(self._measured.starts[max(last - keep, 0)])
            begin = self._skip(self._places.first(max(low, start + 1), end), stop)
            begin = self._behind_kept(begin, stop)
            if not start < begin < end:
                break
            over = self._measured.count(begin, end) - overlap
            if over <= 0:
                return begin
            # As with windows: alone it has more tokens than its share.
            keep = min(keep, last - self._measured.index(begin)) - over
        return self._skip(end, stop)

    def _behind_kept(self, place: int, stop: int) -> int:
        """The place, or the end of the kept part that it is in the middle of."""
        at = bisect_right(self._kept_starts, place) - 1
        if at >= 0 and self._kept[at][0] < place < self._kept[at][1]:
            return self._skip(self._kept[at][1], stop)
        return place

    def _skip(self, place: int, stop: int) -> int:
        found = _TEXT.search(self._text, place, stop)
        return found.start() if found else stop


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The part of a text without the white space at its edges; empty where it is nothing else."""
    part = text[start:end]
    bare = part.lstrip()
    start += len(part) - len(bare)
    return start, start + len(bare.rstrip())


def fits(text: str, tokenizer: Tokenizer, budget: int) -> int | None:
    """The tokens of a text, where the tokenizer counts quickly and they are within the budget.

    Most texts fit, and a count is cheaper than spans; a very long one hardly does.
    """
    count = getattr(tokenizer, "count", None)
    if count is None or len(text) > _LIKELY * budget:
        return None
    tokens = int(count(text))
    return tokens if tokens <= budget else None


def empty_chunk(document: Document, context: str = "") -> Chunk:
    """The one chunk of a text that is nothing but white space, so that its title can be found."""
    return Chunk(document.id, "", 0, 0, 0, document.metadata, context)


def chunk_of(
    document: Document,
    lead: int,
    window: Window,
    context: str,
    parent: tuple[int, int] | None = None,
) -> Chunk:
    """The chunk of a window of `document.text[lead:]`; without context where it says its title."""
    start, end = lead + window.start, lead + window.end
    text = document.text[start:end]
    if begins_with_title(document.title, text):
        context = ""
    return Chunk(document.id, text, start, end, window.tokens, document.metadata, context, parent)
