"""Rank fusion: what each branch says of the order counts, its scores do not."""

from collections.abc import Collection, Mapping
from typing import Self

import numpy as np

from retrievo.errors import ConfigError
from retrievo.fuse.shares import checked_weights
from retrievo.fuse.union import Weighed, check_names, found_by, fused, sound, union_of
from retrievo.types import Candidates


class ReciprocalRank:
    """score(d) = sum over branches of weight / (k + rank of d), ranks from 1.

    Cormack, Clarke, Buettcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual
    Rank Learning Methods". A row that a branch did not find gets nothing from it, and none does
    from a branch whose scores are all equal: its order is no order.
    """

    complete = False
    """A row that was scored afterwards has no rank."""

    def __init__(self, k: int = 60, weights: Mapping[str, float] | None = None) -> None:
        if not 0 <= k <= 10**9:
            raise ConfigError(f"rrf wants k from 0 to 1,000,000,000, got {k}")
        self._k = k
        self._weights = None if weights is None else checked_weights(weights, some=False)

    def check_branches(self, names: Collection[str]) -> None:
        """Raise ConfigError unless the weights, where there are any, name these branches."""
        check_names(self._weights, names)

    def weighed(self, weights: Mapping[str, float]) -> Self:
        """The same with other weights. Raises ConfigError for what is none."""
        return type(self)(self._k, weights)

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        self.check_branches(branches)
        branches = sound(branches)
        union = union_of(branches)
        scored = {}
        for name, found in branches.items():
            weight = 1.0 if self._weights is None else self._weights[name]
            values = np.zeros(len(union.rows))
            n = ranked(found)
            values[union.places[name][:n]] = 1.0 / (self._k + np.arange(1, n + 1))
            scored[name] = Weighed(values, weight)
        return fused(union, branches, scored, top_k)


def ranked(found: Candidates) -> int:
    """How many rows have a rank: none where all are equal, cut off at the branch's depth."""
    n = found_by(found)
    equal = n > 1 and not found.exhaustive and found.scores[0] == found.scores[n - 1]
    return 0 if equal else n
