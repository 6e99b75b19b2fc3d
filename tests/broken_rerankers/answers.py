"""Rerankers whose positions, scores or accounts of them are wrong."""

from dataclasses import replace

import numpy as np

from broken_rerankers.spoilt import Spoilt
from retrievo.types import Candidates


class HasNoVerb:
    depth = 5


class GivesAList(Spoilt):
    def answer(self, rows, scores):
        return list(zip(rows, scores, strict=True))


class GivesListsInside(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows.tolist(), scores)


class GivesSmallIntegers(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows.astype(np.int32), scores)


class GivesDoubles(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows, scores.astype(np.float64))


class GivesFewerScores(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows, scores[:-1])


class CountsFromOne(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows + 1, scores)


class RepeatsTheBest(Spoilt):
    def answer(self, rows, scores):
        return Candidates(np.where(np.arange(len(rows)) == 1, rows[:1], rows), scores)


class ScoresNaN(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows, np.where(np.arange(len(rows)) == 1, np.nan, scores).astype("f4"))


class RanksBackwards(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows[::-1].copy(), scores[::-1].copy())


class RanksNothing(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows[:0], scores[:0])


class LosesTheLast(Spoilt):
    def rank(self, query, chunks, top_k):
        found = super().rank(query, chunks, len(chunks))
        kept = slice(0, min(top_k, max(1, len(chunks) - 1)))
        return replace(found, rows=found.rows[kept], scores=found.scores[kept], scored_by=None)


class GivesAll(Spoilt):
    def rank(self, query, chunks, top_k):
        return super().rank(query, chunks, len(chunks))


class CutsBeforeItRanks(Spoilt):
    def rank(self, query, chunks, top_k):
        return super().rank(query, chunks[:top_k], top_k)


class ScoresAboveItsBound(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows, scores, 0.1)


class AccountsForOne(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows, scores, scored_by=["words"])


class AccountsInNumbers(Spoilt):
    def answer(self, rows, scores):
        return Candidates(rows, scores, scored_by=[7] * len(rows))
