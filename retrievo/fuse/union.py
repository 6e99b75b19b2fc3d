"""The rows that any branch found, and where each branch's rows stand among them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from retrievo.errors import ConfigError
from retrievo.telling import tell
from retrievo.types import BranchScores, Candidates, Rows, Scores

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Union:
    """`rows` ascending; `places[branch][i]` is where the branch's i-th row stands in them."""

    rows: Rows
    places: Mapping[str, npt.NDArray[np.int64]]

    def looked_up(
        self, name: str, found: Candidates, at: npt.NDArray[np.int64]
    ) -> tuple[Scores, npt.NDArray[np.int32]]:
        """Raw score (NaN where missing) and rank from 1 (0 where not found) of the rows at `at`."""
        n = len(found.rows)
        if not n:
            return np.full(len(at), np.nan, np.float32), np.zeros(len(at), np.int32)
        position = np.zeros(len(self.rows), np.int32)
        position[self.places[name]] = np.arange(1, n + 1, dtype=np.int32)
        rank = position[at]
        raw = found.scores[rank - 1].astype(np.float32)
        raw[rank == 0] = np.nan
        if found.found is not None:
            rank[rank > found.found] = 0
        return raw, rank

    def filled(self, name: str, values: npt.NDArray[np.floating], rest: float) -> Values:
        """The branch's values by row, and `rest` for the rows that it has not."""
        spread = np.empty(len(self.rows))
        spread.fill(rest)
        spread[self.places[name]] = values
        return spread


def found_by(candidates: Candidates) -> int:
    """How many of the rows the branch found itself; the others it has scored afterwards."""
    return len(candidates.rows) if candidates.found is None else candidates.found


def is_flat(candidates: Candidates) -> bool:
    """Whether the branch says nothing: several rows of one score, cut off at its depth.

    Where it found all that match, its rows differ from all others, whatever their scores.
    """
    n = found_by(candidates)
    if n < 2 or candidates.exhaustive:
        return False
    scores = candidates.scores
    return bool(scores[0] == scores[n - 1] and (scores == scores[0]).all())


def sound(branches: Mapping[str, Candidates]) -> dict[str, Candidates]:
    """The branches without rows whose score is NaN or infinite, which are told of."""
    return {name: _finite(name, found) for name, found in branches.items()}


def _finite(name: str, found: Candidates) -> Candidates:
    good = np.isfinite(found.scores)
    lost = len(good) - int(np.count_nonzero(good))
    if not lost:
        return found
    tell(
        f"{lost:,} of {len(good):,} scores of the retriever {name!r} are no finite numbers; "
        "those rows are left out of its list"
    )
    n = None if found.found is None else int(good[: found.found].sum())
    ways = found.scored_by
    if ways is not None:
        ways = [way for way, kept in zip(ways, good.tolist(), strict=True) if kept]
    return replace(found, rows=found.rows[good], scores=found.scores[good], found=n, scored_by=ways)


def union_of(branches: Mapping[str, Candidates]) -> Union:
    every = [found.rows for found in branches.values()] or [np.empty(0, np.int64)]
    together = np.concatenate(every, dtype=np.int64)
    # As np.unique with return_inverse, which takes twice as long.
    ascending, order = _sorted(together)
    first = np.empty(len(ascending), bool)
    first[:1] = True
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    later = first.astype(np.int64)
    later[:1] = 0
    where = np.empty(len(order), np.int64)
    where[order] = later.cumsum()
    places, at = {}, 0
    for name, found in branches.items():
        places[name] = where[at : at + len(found.rows)]
        at += len(found.rows)
    return Union(ascending[first].astype(np.int64, copy=False), places)


def _sorted(
    rows: Rows,
) -> tuple[npt.NDArray[np.int64 | np.uint32], npt.NDArray[np.int64]]:
    """The rows ascending, and where each was."""
    n = len(rows)
    bits = n.bit_length()
    # A negative number is one of the highest without its sign.
    highest = int(rows.view(np.uint64).max(initial=0))
    if highest >= 1 << (62 - bits):
        order = np.argsort(rows)
        return rows[order], order
    # Number and place in one word: sorting is twice as fast as finding the order, and twice as fast
    # again with half the word.
    word = np.uint32 if highest < 1 << (32 - bits) else np.int64
    packed: npt.NDArray[np.int64 | np.uint32] = rows.astype(word)
    numbers: npt.NDArray[np.int64 | np.uint32] = np.arange(n, dtype=word)
    packed <<= bits
    packed |= numbers
    packed.sort()
    ascending = packed >> bits
    packed &= (1 << bits) - 1
    return ascending, packed.astype(np.int64, copy=False)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a branch gives each row of the union: `weight` × `normalised`."""

    normalised: Values
    weight: float


def fused(
    union: Union,
    branches: Mapping[str, Candidates],
    scored: Mapping[str, Weighed],
    top_k: int,
    *,
    base: float = 0.0,
) -> Candidates:
    """The best rows by `base` and the sum of what the branches give, each with its account.

    Rows that equal the last one are all kept: which of them is cut is for the pipeline to say, by
    chunk id, which a fusion does not know. Scores are added in double precision.
    """
    given = [branch.weight * branch.normalised for branch in scored.values()]
    total = given[0] if given else np.zeros(len(union.rows))
    for more in given[1:]:
        total += more
    if base:
        total += base
    scores = total.astype(np.float32)
    order = best_places(scores, top_k)
    account = {}
    for name, branch in scored.items():
        raw, rank = union.looked_up(name, branches[name], order)
        normalised = branch.normalised[order]
        account[name] = BranchScores(
            rank,
            raw,
            normalised.astype(np.float32),
            branch.weight,
            (branch.weight * normalised).astype(np.float32),
        )
    return Candidates(union.rows[order], scores[order], contributions=account)


def best_places(scores: Scores, top_k: int) -> npt.NDArray[np.int64]:
    """Places of the best `top_k` scores and of what equals the last, best first, then by place."""
    if top_k <= 0:
        return np.empty(0, np.int64)
    if len(scores) <= top_k:
        return _best_first(scores)
    cut = len(scores) - top_k
    parted = scores.copy()
    parted.partition(cut)
    places: npt.NDArray[np.int64] = (scores >= parted[cut]).nonzero()[0]
    return places[_best_first(scores[places])]


_FEW = 128
"""So many are sorted as fast by the stable sort."""


def _best_first(scores: Scores) -> npt.NDArray[np.int64]:
    if len(scores) <= _FEW:
        return (-scores).argsort(kind="stable")
    order = np.argsort(-scores)
    descending = scores[order]
    if (descending[1:] == descending[:-1]).any():
        # The stable sort of many takes four times as long.
        return np.argsort(-scores, kind="stable")
    return order


def check_names(weights: Mapping[str, float] | None, names: Collection[str]) -> None:
    """Raise ConfigError unless the weights, where there are any, name just these branches."""
    if weights is not None and weights.keys() != set(names):
        raise ConfigError(
            f"[fusion] weights name {sorted(weights)}, "
            f"the retrievers are {sorted(names)}; give each a weight"
        )
