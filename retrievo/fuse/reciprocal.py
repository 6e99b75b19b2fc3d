"""Rank fusion: what each branch says of the order counts, its scores do not."""

from collections.abc import Collection, Mapping

import numpy as np

from retrievo.errors import ConfigError
from retrievo.fuse.union import check_names, contributions, union_of
from retrievo.types import BranchScores, Candidates


class ReciprocalRank:
    """score(d) = sum over branches of weight / (k + rank of d), ranks from 1.

    Cormack, Clarke, Buettcher 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual
    Rank Learning Methods". A row that a branch did not find gets nothing from it.
    """

    def __init__(self, k: int = 60, weights: Mapping[str, float] | None = None) -> None:
        if not 0 <= k <= 10**9:
            raise ConfigError(f"rrf wants k from 0 to 1,000,000,000, got {k}")
        if weights is not None and any(not 0 <= w < 1e30 for w in weights.values()):
            raise ConfigError(f"fusion weights are numbers from 0 up; got {dict(weights)}")
        self._k = k
        self._weights = None if weights is None else dict(weights)

    def check_branches(self, names: Collection[str]) -> None:
        """Raise ConfigError unless the weights, where there are any, name these branches."""
        check_names(self._weights, names)

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        self.check_branches(branches)
        union = union_of(branches)
        scored = {}
        for name, found in branches.items():
            weight = 1.0 if self._weights is None else self._weights[name]
            raw, rank = union.spread(name, found)
            value = np.where(rank > 0, 1.0 / (self._k + np.maximum(rank, 1)), 0.0)
            normalised = value.astype(np.float32)
            scored[name] = BranchScores(
                rank, raw, normalised, weight, np.float32(weight) * normalised
            )
        return contributions(union, scored, top_k)
