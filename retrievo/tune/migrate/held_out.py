"""How well a map serves on held-out texts: do its queries find what the encoders' own find?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.tune.migrate.maps import relative
from retrievo.tune.migrate.paired import Split, UnitPairs

DEPTH = 10
MOST_ANCHORS = 768

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of held-out sentences as queries over all sampled documents.

    `ndcg` and `mrr` count the sentence's own document as the one that is relevant. `overlap` is the
    mean share of the new encoder's first ten that are among these first ten. `at_least_old` is the
    share of the sentences whose document stands no lower than by the old encoder alone.
    """

    ndcg: float
    mrr: float
    overlap: float
    at_least_old: float


class HeldOut:
    """The held-out sentences, and what the old and the new encoder make of them alone."""

    def __init__(self, pairs: UnitPairs, split: Split) -> None:
        self._documents = pairs.old_documents
        self._owners = pairs.owners[split.held_queries]
        self.old_queries = pairs.old_queries[split.held_queries]
        self.new_queries = pairs.new_queries[split.held_queries]
        of_new = self.new_queries @ pairs.new_documents.T
        of_old = self.old_queries @ pairs.old_documents.T
        self._new_first, self._old_ranks = _first(of_new), _ranks(of_old, self._owners)
        self.new, self.old = self._figures(of_new), self._figures(of_old)

    def __len__(self) -> int:
        return len(self._owners)

    def judge(self, queries: Floats) -> Figures:
        """The figures of query vectors in the space of the stored documents."""
        return self._figures(queries @ self._documents.T)

    def judge_relative(self, pairs: UnitPairs, split: Split) -> Figures:
        """The figures of relative representations, with fitted documents as anchors."""
        anchors = split.documents[:MOST_ANCHORS]
        new = relative(
            self.new_queries, pairs.new_documents[anchors], pairs.new_documents.mean(axis=0)
        )
        old = relative(
            self._documents, pairs.old_documents[anchors], pairs.old_documents.mean(axis=0)
        )
        lengths = np.linalg.norm(old, axis=1, keepdims=True)
        lengths[lengths == 0] = 1.0
        return self._figures(new @ (old / lengths).T)

    def _figures(self, scores: Floats) -> Figures:
        ranks = _ranks(scores, self._owners)
        gains = np.where(ranks <= DEPTH, 1.0 / np.log2(ranks + 1.0), 0.0)
        shared = _first(scores) & self._new_first
        return Figures(
            float(gains.mean()),
            float((1.0 / ranks).mean()),
            float(shared.sum(axis=1).mean() / min(DEPTH, scores.shape[1])),
            float((ranks <= self._old_ranks).mean()),
        )


def _ranks(scores: Floats, owners: Ranks) -> Ranks:
    """From 1, of each query's own document; equal scores are ordered by row."""
    own = np.take_along_axis(scores, owners[:, None], axis=1)
    before = np.arange(scores.shape[1]) < owners[:, None]
    ranks: Ranks = 1 + ((scores > own) | ((scores == own) & before)).sum(axis=1)
    return ranks


def _first(scores: Floats) -> Flags:
    """bool[queries, documents]: which documents are among the first ten."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    found = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(found, order, True, axis=1)
    return found
