"""Chunks of texts that have parts: each knows the names that it stands under."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from retrievo.chunk.cutting import Cutter, Places, Window
from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import Sizing
from retrievo.titles import begins_with_title
from retrievo.types import Chunk, Document, Section

_NOT_WORD = re.compile(r"[\W_]+")
_HEAD = 1_000
_LONGEST_NAME = 200  # each chunk below a heading carries it
_MOST_NAMES = 16

Spans = Sequence[tuple[int, int]]


class Part(NamedTuple):
    """A part of a text in characters, and the names that it stands under, from the outside in.

    The first `above` of them do not stand in its own beginning. It is `bare` where it is nothing
    but its heading, and `apart` where it is no prose, a script say.
    """

    start: int
    end: int
    path: tuple[str, ...] = ()
    above: int = 0
    bare: bool = False
    apart: bool = False


def parts_of(
    text: str, sections: Iterable[Section], read: Callable[[str], str] = str
) -> list[Part]:
    """A part a section, and one before the first; together they are the whole text.

    `read` gives what is read of a slice where the text is more than that, as HTML is.
    """
    ordered = sorted(
        (min(max(start, 0), len(text)), tuple(name[:_LONGEST_NAME] for name in path))
        for start, path in sections
    )
    places = [start for start, _ in ordered]
    places.append(len(text))
    parts = [Part(0, places[0])]
    for (start, path), end in zip(ordered, places[1:], strict=True):
        heading = _NOT_WORD.sub("", path[-1]) if path else ""
        letters = _NOT_WORD.sub("", read(text[start : min(end, start + _HEAD)]))
        own = bool(heading) and letters.startswith(heading)
        bare = own and letters == heading and end - start < _HEAD
        parts.append(Part(start, end, path, len(path) - own, bare))
    return [part for part in parts if part.start < part.end]


def tokens_in(measured: Measured, start: int, end: int) -> int:
    """How many tokens of the whole text start in a part of it: nearly what the part has alone."""
    return measured.index(end) - measured.index(start)


def joined(parts: Iterable[Part], tokens: Callable[[int, int], int], most: int) -> Iterator[Part]:
    """The parts, with small neighbours under one parent as one of at most `most` tokens.

    A heading without a text of its own joins what stands under it, however long that is. What is
    apart is joined with its like only, and always.
    """
    listed = list(parts)
    group: Part | None = None
    head: tuple[str, ...] = ()
    for part, after in zip_longest(listed, listed[1:]):
        # A lone heading is for what comes next, if that stands under it.
        leads = part.bare and after is not None and _under(after, part.path)
        if group is not None and group.apart == part.apart:
            if group.bare and _under(part, group.path):
                group = Part(group.start, part.end, part.path, group.above, part.bare)
                continue
            if not (head or part.apart) and tokens(group.start, group.end) <= most:
                # A few words before the first heading, or a page's first tags.
                group, head = part._replace(start=group.start), part.path
                continue
            near = not leads and _under(part, head[:-1])
            if part.apart or (near and tokens(group.start, part.end) <= most):
                path, above = _common(group, part)
                head = head or path
                group = Part(group.start, part.end, path, above, False, part.apart)
                continue
        if group is not None:
            yield group
        group, head = part, part.path
    if group is not None:
        yield group


def _under(part: Part, path: tuple[str, ...]) -> bool:
    return part.path[: len(path)] == path


def _common(one: Part, other: Part) -> tuple[tuple[str, ...], int]:
    """The path of two together, and how many of its names do not begin their text."""
    if not one.path and not one.apart:  # before the first heading stands what belongs to it
        return other.path, other.above
    same = [a == b for a, b in zip(one.path, other.path, strict=False)]
    length = [*same, False].index(False)
    return one.path[:length], min(one.above, length)


class Preferred:
    """Places of `levels`, the best level first, then those of `others`; none inside of `wholes`.

    Each level is a list of offsets in order, each of `wholes` a list of spans in order, apart. A
    span that is longer than a window is cut all the same.
    """

    def __init__(
        self, others: Places, levels: Sequence[Sequence[int]] = (), wholes: Sequence[Spans] = ()
    ) -> None:
        self._others = others
        self._levels = levels
        self._wholes = [(spans, [start for start, _ in spans]) for spans in wholes]

    def last(self, low: int, middle: int, limit: int) -> int:
        """The best place in (low, limit]; one of a level must be far enough behind `low`."""
        middle = max(low, middle)
        for floor in (middle, (low + middle) // 2):
            for places in self._levels:
                at = bisect_right(places, limit) - 1
                if at >= 0 and places[at] > floor:
                    return self._outside(places[at], low, limit)
        return self._outside(self._others.last(low, middle, limit), low, limit)

    def first(self, low: int, high: int) -> int:
        """The first place of any level in [low, high), else the best of the others."""
        found = [bisect_left(places, low) for places in self._levels]
        first = [
            places[at] for places, at in zip(self._levels, found, strict=True) if at < len(places)
        ]
        place = min(first, default=high)
        if place >= high:
            place = self._others.first(low, high)
        return min(high, self._outside(place, high, high))

    def _outside(self, place: int, low: int, limit: int) -> int:
        for spans, starts in self._wholes:
            at = bisect_right(starts, place) - 1
            if at >= 0 and spans[at][0] < place < spans[at][1]:
                start, end = spans[at]
                if end <= limit:
                    return end
                if start > low:
                    return start
        return place


def largest(spans: Iterable[tuple[int, int]], fits: Callable[[int, int], bool]) -> Spans:
    """Of spans that are apart or inside of one another, the largest that fit, in order."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if (not found or start >= found[-1][1]) and fits(start, end):
            found.append((start, end))
    return found


def cut_parts(
    document: Document,
    parts: Iterable[Part],
    cutter: Cutter,
    sizing: Sizing,
    *,
    key: str,
    names: Callable[[Part, Window], Sequence[str]] = lambda part, _: part.path,
) -> list[Chunk]:
    """The chunks of each part: its names are their context, and in their metadata under `key`.

    The context is the title and the path, without what the chunk's text begins with; where that is
    more than a quarter of the size, the outermost names are left out first. `names` says
    which names the metadata takes of a window. The document's own entry under that key wins.
    """
    known: dict[tuple[str, ...], Mapping[str, Any]] = {(): document.metadata}
    contexts = _Contexts(sizing)
    chunks = []
    for part in parts:
        budget = min(
            contexts.of(_names(title, part.path, above))[1]
            for title in (document.title, "")
            for above in (len(part.path), part.above)
        )
        windows = cutter.cut(part.start, part.end, budget, sizing.overlap_of(budget))
        for place, window in enumerate(windows):
            start, end = window.start, window.end
            piece = document.text[start:end]
            above = len(part.path) if place else part.above
            title = "" if begins_with_title(document.title, piece) else document.title
            context = contexts.of(_names(title, part.path, above))[0]
            told = tuple(names(part, window))
            if told not in known:
                known[told] = {key: list(told), **document.metadata}
            chunks.append(
                Chunk(document.id, piece, start, end, window.tokens, known[told], context)
            )
    return chunks


def _names(title: str, path: tuple[str, ...], above: int) -> tuple[str, ...]:
    title = " ".join(title.split())
    # Most often the title is the first heading, and says nothing new.
    names = path[:above] if not title or title in path else (title, *path[:above])
    return names[-_MOST_NAMES:]


class _Contexts:
    """The context of names and the tokens that are left for text, each asked for once."""

    def __init__(self, sizing: Sizing) -> None:
        self._sizing = sizing
        self._known: dict[tuple[str, ...], tuple[str, int]] = {}

    def of(self, names: tuple[str, ...]) -> tuple[str, int]:
        found = self._known.get(names)
        if found is None:
            context = " > ".join(names)
            found = self._sizing.fitted(context)
            if found[0] != context and len(names) > 1:  # the innermost name says most
                found = self.of(names[1:])
            self._known[names] = found
        return found
