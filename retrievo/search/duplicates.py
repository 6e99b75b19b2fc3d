"""Hits that say what a better one says already."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from retrievo.hits import Hit

WORDS = 5
"""Length of the sequences of words that two texts are compared by (Broder 1997, w-shingling)."""

_WORD = re.compile(r"\w+")

Shingles = frozenset[tuple[str, ...]]


def without_duplicates(
    hits: Sequence[Hit], share: float
) -> tuple[list[Hit], list[tuple[Hit, dict[str, Any]]]]:
    """The hits that are left, and those that are gone, each with what it doubles.

    A hit goes that has at least `share` of its sequences in one better hit (its containment): a
    longer text that repeats a shorter one stays. What stays tells in its trace, as `duplicates`,
    what it stands for.
    """
    kept: list[tuple[Hit, Shingles, list[dict[str, Any]]]] = []
    gone = []
    for hit in hits:
        mine = shingles(hit.text)
        for better, theirs, doubles in kept:
            found = contained(mine, theirs)
            if found >= share:
                doubles.append({"doc_id": hit.doc_id, "chunk_id": hit.chunk.id, "share": found})
                of = {"of": better.doc_id, "chunk_id": better.chunk.id, "share": found}
                gone.append((hit, of))
                break
        else:
            kept.append((hit, mine, []))
    return [
        replace(hit, trace={**hit.trace, "duplicates": doubles}) if doubles else hit
        for hit, _, doubles in kept
    ], gone


def shingles(text: str) -> Shingles:
    """The sequences of five words, without regard to case; of a shorter text all of its words."""
    words = _WORD.findall(text.casefold())
    if len(words) < WORDS:
        # Signs alone are compared as they are: two different formulas are no duplicates.
        return frozenset([tuple(words) or (text.strip(),)])
    return frozenset(zip(*(words[i:] for i in range(WORDS)), strict=False))


def contained(one: Shingles, other: Shingles) -> float:
    """The share of the one's sequences that the other has too."""
    return len(one & other) / len(one)
