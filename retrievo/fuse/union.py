"""The rows that any branch found, and where each branch's rows stand among them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrievo.errors import ConfigError
from retrievo.types import BranchScores, Candidates, Rows, Scores


@dataclass(frozen=True, slots=True)
class Union:
    """`rows` ascending; `places[branch][i]` is where the branch's i-th row stands in them."""

    rows: Rows
    places: Mapping[str, npt.NDArray[np.int64]]

    def spread(self, name: str, found: Candidates) -> tuple[Scores, npt.NDArray[np.int32]]:
        """Raw score (NaN where missing) and rank from 1 (0 where not found) of every row."""
        places = self.places[name]
        raw = np.full(len(self.rows), np.nan, np.float32)
        raw[places] = found.scores
        rank = np.zeros(len(self.rows), np.int32)
        n = len(found) if found.found is None else found.found
        rank[places[:n]] = np.arange(1, n + 1, dtype=np.int32)
        return raw, rank


def union_of(branches: Mapping[str, Candidates]) -> Union:
    every = [found.rows for found in branches.values()]
    rows = np.unique(np.concatenate(every)) if every else np.empty(0, np.int64)
    places = {name: np.searchsorted(rows, found.rows) for name, found in branches.items()}
    return Union(rows, places)


def contributions(union: Union, scored: Mapping[str, BranchScores], top_k: int) -> Candidates:
    """The best rows by the sum of the branches' contributions, each with its account.

    Rows that equal the last one are all kept: which of them is cut is for the pipeline to say, by
    chunk id, which a fusion does not know.
    """
    total = np.zeros(len(union.rows), np.float32)
    for branch in scored.values():
        total += branch.contribution
    order = np.lexsort((union.rows, -total))
    if len(order) > top_k:
        last = total[order[top_k - 1]] if top_k > 0 else np.inf
        order = order[total[order] >= last]
    account = {
        name: BranchScores(
            b.rank[order], b.score[order], b.normalised[order], b.weight, b.contribution[order]
        )
        for name, b in scored.items()
    }
    return Candidates(union.rows[order], total[order], contributions=account)


def check_names(weights: Mapping[str, float] | None, names: Collection[str]) -> None:
    """Raise ConfigError unless the weights, where there are any, name just these branches."""
    if weights is not None and set(weights) != set(names):
        raise ConfigError(
            f"[fusion] weights name {sorted(weights)}, "
            f"the retrievers are {sorted(names)}; give each a weight"
        )
