"""Representations, scores and bounds that are wrong."""

from dataclasses import replace

import numpy as np

from broken_retrievers.spoilt import Spoilt
from retrievo.contracts import Space
from retrievo.types import SparseRows


class LooksAtNothing(Spoilt):
    def __init__(self, store):
        super().__init__(store)
        self.depth = 0


class PromisesMoreThanItGives(Spoilt):
    def represent(self, items):
        return {} if not items else super().represent(items)


class LeavesOutShortChunks(Spoilt):
    def represent(self, items):
        made = super().represent(items)["bm25"]
        n = len(made) - 1 if len(made) > 20 else len(made)
        return {"bm25": SparseRows(made.indptr[: n + 1], made.indices, made.values, made.lengths)}


class ChangesItsSpace(Spoilt):
    searches = 0

    @property
    def representations(self):
        return {"bm25": Space("sparse", settings=f"searched {self.searches}")}

    def spoil(self, found, query):
        self.searches += 1
        return found


class ScoresOnAnotherScale(Spoilt):
    def score(self, queries, rows):
        return [2 * scores for scores in super().score(queries, rows)]


class ScoresInTheStoresOrder(Spoilt):
    def score(self, queries, rows):
        return super().score(queries, np.sort(rows))


class ScoresTheFirstQueryOnly(Spoilt):
    def score(self, queries, rows):
        return super().score(queries[:1], rows)


class BoundsTooLow(Spoilt):
    def spoil(self, found, query):
        return replace(found, bound=0.01)


class ForgetsATokensScore(Spoilt):
    def token_scores(self, query, chunk):
        return super().token_scores(query, chunk)[1:]


class PlacesTokensInTheContext(Spoilt):
    def token_scores(self, query, chunk):
        found = super().token_scores(query, chunk)
        return [replace(one, spans=[(0, len(chunk.text) + 9)]) for one in found]
