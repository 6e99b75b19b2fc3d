"""Score fusion whose weights follow, query by query, how sure each branch looks."""

import math
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Self

from retrievo.errors import ConfigError
from retrievo.fuse.normalising import by_bound
from retrievo.fuse.shares import checked_weights, shares_of
from retrievo.fuse.signs import NO_SIGNS, Signs, signs_of
from retrievo.fuse.union import Weighed, check_names, fused, sound, union_of
from retrievo.types import Candidates

STRENGTHS: Mapping[str, float] = MappingProxyType({"gap": 2.0})
"""Of the signs alone and at several strengths, the one that lost nowhere: docs/how-to/fuse-branches
has the figures, also of collections that had no say in it."""


class Gated:
    """score(d) = sum over branches of weight × score / bound, as `Convex` has it by the bound.

    weight ∝ share × exp(sum over `strengths` of strength × sign): a branch whose best score stands
    out from its tenth counts more than its `weights` say, one whose scores are all alike counts
    less. Signs are those of `retrievo.fuse.signs`: "top", "gap", "focus", "agreement"; they need no
    labels and no statistics of the collection. With strength 0 it is `Convex`.
    """

    def __init__(
        self,
        weights: Mapping[str, float] | None = None,
        *,
        strengths: Mapping[str, float] | None = None,
        complete: bool = True,
    ) -> None:
        self._weights = None if weights is None else checked_weights(weights)
        self._strengths = dict(STRENGTHS if strengths is None else strengths)
        for name, strength in self._strengths.items():
            if name not in Signs._fields or not -50 <= strength <= 50:
                raise ConfigError(
                    f"gated: strengths are numbers from -50 to 50 for the signs "
                    f"{', '.join(Signs._fields)}; got {name} = {strength!r}"
                )
        self.complete = complete

    def check_branches(self, names: Collection[str]) -> None:
        """Raise ConfigError unless the weights, where there are any, name these branches."""
        check_names(self._weights, names)

    def weighed(self, weights: Mapping[str, float]) -> Self:
        """The same with other weights to start from. Raises ConfigError for what is none."""
        return type(self)(weights, strengths=self._strengths, complete=self.complete)

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        shares = shares_of(self._weights, branches)
        branches = sound(branches)
        weights = self._gated(shares, signs_of(branches))
        union = union_of(branches)
        scored = {
            name: Weighed(union.filled(name, *by_bound(found)), weights[name])
            for name, found in branches.items()
        }
        return fused(union, branches, scored, top_k)

    def _gated(self, shares: Mapping[str, float], signs: Mapping[str, Signs]) -> dict[str, float]:
        moved = {}
        for name, share in shares.items():
            seen = signs[name]
            # A branch that found nothing is left its share: it takes nothing from the scale.
            exponent = 0.0
            if seen is not NO_SIGNS:
                exponent = sum(s * getattr(seen, sign) for sign, s in self._strengths.items())
            moved[name] = share * math.exp(exponent)
        total = sum(moved.values()) or 1.0
        return {name: weight / total for name, weight in moved.items()}
