"""Distribution-based score fusion: each branch's scores between mean - 3σ and mean + 3σ."""

from collections.abc import Collection, Mapping
from typing import Self

import numpy as np

from retrievo.fuse.normalising import Normalised
from retrievo.fuse.shares import checked_weights
from retrievo.fuse.union import Weighed, check_names, found_by, fused, is_flat, sound, union_of
from retrievo.types import Candidates

_ALONE = 0.5
"""What Qdrant gives a row that is the only one, and rows of equal scores."""


class DistributionBased:
    """score(d) = sum over branches of weight × (score - low) / (high - low).

    low and high are the mean of the branch's scores minus and plus three standard deviations (of a
    sample: n - 1). Mazzeschi 2023, "Distribution-Based Score Fusion", as Qdrant computes it: a row
    that a branch has not scored gets nothing from it. Unlike there, an outlier far below the mean
    is no worse than a row that was not found, and several rows of one score, cut off at the
    branch's depth, give nothing: they say nothing of the order.
    """

    def __init__(
        self, weights: Mapping[str, float] | None = None, *, complete: bool = False
    ) -> None:
        self._weights = None if weights is None else checked_weights(weights, some=False)
        self.complete = complete

    def check_branches(self, names: Collection[str]) -> None:
        """Raise ConfigError unless the weights, where there are any, name these branches."""
        check_names(self._weights, names)

    def weighed(self, weights: Mapping[str, float]) -> Self:
        """The same with other weights. Raises ConfigError for what is none."""
        return type(self)(weights, complete=self.complete)

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        self.check_branches(branches)
        branches = sound(branches)
        union = union_of(branches)
        scored = {}
        for name, found in branches.items():
            weight = 1.0 if self._weights is None else self._weights[name]
            values, missing = by_distribution(found)
            scored[name] = Weighed(union.filled(name, values, missing), weight)
        return fused(union, branches, scored, top_k)


def by_distribution(found: Candidates) -> Normalised:
    """The values of a branch's rows, mean ± 3σ as 0 and 1, and what a missing row gets."""
    values = found.scores.astype(np.float64)
    if is_flat(found):
        return values * 0, 0.0
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    if spread <= 0:
        return np.full(len(values), _ALONE), 0.0
    low = float(values.mean()) - 3 * spread
    values = (values - low) / (6 * spread)
    return values, min(0.0, float(values[: found_by(found)].min(initial=0.0)))
