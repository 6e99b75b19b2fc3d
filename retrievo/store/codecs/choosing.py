"""Which codec a collection can be kept in: the smallest that still finds what the floats find."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from retrievo.store.codecs import Fit, codec
from retrievo.store.codecs.codec import Codec
from retrievo.store.codecs.rotation import WHOLE_UP_TO
from retrievo.store.memory.exact import scans
from retrievo.types import Scores, Vectors

NONE: Final = "none"
QUERIES = 200
"""Vectors that are taken out of the sample and searched for in the rest of it."""

SAMPLE_BYTES = 64 * 2**20
"""Of float vectors that a store hands over at most: 43,000 of 384 numbers."""

LEARNED_UP_TO = 2 * WHOLE_UP_TO
"""Numbers a vector up to which codecs with principal axes are measured: fitting takes minutes
beyond."""

_LEARNED = frozenset({"itq", "pca-int8"})


@dataclass(frozen=True, slots=True)
class Measured:
    """What a search by codes found of the best by floats, and what it reads of each vector."""

    recall: float
    bytes_a_vector: int
    oversampling: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The name of a codec, or "none" where none was good enough; `measured` has what was tried.

    `str()` says it in one sentence.
    """

    name: str
    recall: float
    bytes_a_vector: int
    measured: Mapping[str, Measured]
    min_recall: float
    depth: int
    queries: int
    sample: int

    def __str__(self) -> str:
        tried = ", ".join(
            f"{name} {one.recall:.3f} ({one.bytes_a_vector} bytes, {one.oversampling:g} times "
            "the depth rescored)"
            for name, one in self.measured.items()
        )
        what = f"{self.bytes_a_vector} bytes a vector" if self.name != NONE else "float32"
        return (
            f"compression {self.name} ({what}): recall@{self.depth} wanted {self.min_recall:g}, "
            f"found {tried or 'nothing to measure'}; {self.queries} stored vectors as queries "
            f"among {self.sample}"
        )


def choose(
    sample: Vectors,
    names: Sequence[str],
    min_recall: float,
    depth: int = 10,
    oversampling: float | Mapping[str, float] | None = None,
    *,
    fits: Mapping[str, Fit] | None = None,
) -> Choice:
    """The codec of the fewest bytes a vector whose recall reaches `min_recall`, else "none".

    Some vectors of the sample, float32[n, dim], are taken out of it and become queries. Recall is
    the share of the exact best `depth` of the rest that is among the best depth * oversampling by
    codes. Codecs are tried from the fewest bytes up, and not further than needed.

    `oversampling` is for all, by name, or each codec's own. `fits` gives other ways to make a codec
    of a name: an engine's own codes, say. "none" among the names is no codec, and always possible.
    """
    n, dim = sample.shape
    held_out = np.zeros(n, bool)
    places = np.random.default_rng(0).choice(n, min(QUERIES, n // 10), replace=False)
    held_out[places] = True
    queries, rest = sample[held_out], sample[~held_out]
    depth = max(1, min(depth, len(rest)))
    measured: dict[str, Measured] = {}
    chosen = NONE
    if len(queries):
        exact = _exact(rest, queries)
        for name in _by_bytes(names, dim):
            made = ((fits or {}).get(name) or codec(name).fit)(rest)
            wanted = oversampling.get(name) if isinstance(oversampling, Mapping) else oversampling
            times = made.oversampling if wanted is None else wanted
            recall = _recall(made, rest, queries, exact, depth, times)
            measured[name] = Measured(recall, made.bytes_a_vector, times)
            if recall >= min_recall:
                chosen = name
                break
    found = measured.get(chosen, Measured(1.0, 4 * dim, 1.0))
    return Choice(
        chosen,
        found.recall,
        found.bytes_a_vector,
        measured,
        min_recall,
        depth,
        len(queries),
        len(rest),
    )


def _by_bytes(names: Sequence[str], dim: int) -> list[str]:
    asked = [name for name in dict.fromkeys(names) if name != NONE]
    if dim > LEARNED_UP_TO:
        asked = [name for name in asked if name not in _LEARNED]
    return sorted(asked, key=lambda name: (codec(name).bytes_for(dim), name))


def _exact(rest: Vectors, queries: Vectors) -> list[Scores]:
    return list(scans(rest, queries))


def _recall(
    made: Codec,
    rest: Vectors,
    queries: Vectors,
    exact: Sequence[Scores],
    depth: int,
    oversampling: float,
) -> float:
    """Mean share of the exact best that rescoring the best by codes brings back.

    A row that scores what the last of the exact best scores is as good as that.
    """
    codes = made.encode(rest)
    n = len(rest)
    pool = min(n, max(depth, math.ceil(depth * oversampling)))
    shares = []
    for start in range(0, len(queries), 20):
        estimated = made.scores(queries[start : start + 20], codes)
        for scores, right in zip(estimated, exact[start : start + 20], strict=True):
            found = np.argpartition(scores, n - pool)[n - pool :]
            last = np.partition(right, n - depth)[n - depth]
            shares.append(min(1.0, float((right[found] >= last).sum()) / depth))
    return float(np.mean(shares))
