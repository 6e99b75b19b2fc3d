"""Score fusion: a weighted mean of the branches' normalised scores."""

from collections.abc import Collection, Mapping

import numpy as np

from retrievo.errors import ConfigError
from retrievo.fuse.union import Union, check_names, contributions, union_of
from retrievo.types import BranchScores, Candidates, Scores


class Convex:
    """score(d) = sum over branches of weight × score / bound, in [0, 1].

    Each branch is divided by the highest score that the query could have had: 1 for a cosine, the
    sum of the query terms' idf for BM25. That needs no statistics of the list, so the depth of one
    branch cannot change it, and it can be compared between queries. A branch that tells no bound is
    min-max normalised over its list. Negative scores count as 0. A row that a branch did not
    find counts with that branch's last score, an upper bound of what it can have, and with 0 where
    the branch found all that match. Bruch, Gai, Ingber 2023, "An Analysis of Fusion Functions for
    Hybrid Retrieval", call it the theoretical bound.

    Without `weights` each encoder's own default share holds (`dense_weight`) and the other branches
    share what is left. Weights are divided by their sum.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        if weights is not None:
            bad = {name: w for name, w in weights.items() if not 0 <= w < float("inf")}
            if bad or not 0 < sum(weights.values()) < float("inf"):
                raise ConfigError(
                    f"fusion weights are numbers from 0 up, not all 0; got {dict(weights)}"
                )
        self._weights = None if weights is None else dict(weights)

    def check_branches(self, names: Collection[str]) -> None:
        """Raise ConfigError unless the weights, where there are any, name these branches."""
        check_names(self._weights, names)

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        weights = self._shares(branches)
        union = union_of(branches)
        scored = {
            name: _normalised(found, union, name, weights[name]) for name, found in branches.items()
        }
        return contributions(union, scored, top_k)

    def _shares(self, branches: Mapping[str, Candidates]) -> dict[str, float]:
        if self._weights is not None:
            self.check_branches(branches)
            total = sum(self._weights.values())
            return {name: self._weights[name] / total for name in branches}
        asked = {name: c.weight for name, c in branches.items() if c.weight is not None}
        silent = [name for name in branches if name not in asked]
        total = sum(asked.values())
        if silent and total < 1:
            rest = dict.fromkeys(silent, (1 - total) / len(silent))
        else:
            rest = dict.fromkeys(silent, 1 / len(branches))
        shares = {**asked, **rest}
        total = sum(shares.values())
        return {name: shares[name] / total for name in branches}


def _normalised(found: Candidates, union: Union, name: str, weight: float) -> BranchScores:
    raw, rank = union.spread(name, found)
    floor = 0.0
    if found.bound is not None:
        scale = found.bound if found.bound > 0 else 1.0
        values = np.clip(found.scores / np.float32(scale), 0, 1)
    elif len(found):
        low, high = float(found.scores.min()), float(found.scores.max())
        values = np.ones_like(found.scores) if high == low else (found.scores - low) / (high - low)
    else:
        values = found.scores
    if len(found) and not found.exhaustive:
        floor = float(values[-1])
    normalised: Scores = np.full(len(union.rows), floor, np.float32)
    normalised[union.places[name]] = values
    return BranchScores(rank, raw, normalised, weight, np.float32(weight) * normalised)
