"""The parts of a long text that a model reads one at a time, beside the query."""

from collections.abc import Sequence

from retrievo.contracts import Spans

OVERLAP = 4
"""A window shares one part in so many with the one before it."""

_SPARE = 2
"""Tokens that are left free: the first word of a slice may be more of them than it was inside."""


def windows(text: str, spans: Spans, room: int) -> list[str]:
    """Slices of the text of at most `room` tokens, which overlap and leave nothing out.

    `spans` are its tokens, in characters. A slice begins and ends between words, where a window
    holds a space; a text that fits is the only one, as it is.
    """
    n = len(spans)
    if n <= room:
        return [text]
    size = max(1, room - _SPARE)
    found: list[str] = []
    start = 0
    while True:
        end = min(start + size, n)
        if end < n:
            end = _between_words(spans, start + max(1, size // 2), end)
        found.append(text[int(spans[start, 0]) : int(spans[end - 1, 1])])
        if end == n:
            return found
        back = max(start + 1, end - size // OVERLAP)
        start = _between_words(spans, max(start + 1, end - size // 2), back)


def _between_words(spans: Spans, low: int, high: int) -> int:
    """The last token from `low` to `high` that follows white space, `high` where there is none."""
    for at in range(high, low - 1, -1):
        if spans[at, 0] > spans[at - 1, 1]:
            return at
    return high


def best_windows(
    scores: Sequence[float], owners: Sequence[int], n: int
) -> tuple[list[float], list[str]]:
    """For each of n texts the best score of its windows, and which of them gave it.

    `owners` tells whose each window is, in the order of the text. NaN wins, so that it is seen.
    """
    of: list[list[float]] = [[] for _ in range(n)]
    for score, owner in zip(scores, owners, strict=True):
        of[owner].append(score)
    best, ways = [], []
    for own in of:
        at = next((i for i, score in enumerate(own) if score != score), None)
        at = max(range(len(own)), key=own.__getitem__) if at is None else at
        best.append(own[at])
        ways.append("whole" if len(own) == 1 else f"window {at + 1} of {len(own)}")
    return best, ways
