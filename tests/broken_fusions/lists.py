"""Fusions whose answer is wrong in itself."""

from dataclasses import replace

import numpy as np

from broken_fusions.spoilt import Spoilt
from retrievo.types import Candidates


def picked(fused, order):
    """The rows in another order, or some of them, with their account."""
    account = {
        name: replace(
            one,
            rank=one.rank[order],
            score=one.score[order],
            normalised=one.normalised[order],
            contribution=one.contribution[order],
        )
        for name, one in fused.contributions.items()
    }
    return replace(fused, rows=fused.rows[order], scores=fused.scores[order], contributions=account)


class SaysItInWords(Spoilt):
    def __init__(self, *given, **more):
        super().__init__(*given, **more)
        self.complete = "yes"


class GivesDoubles(Spoilt):
    def made(self, fused, top_k):
        return replace(fused, scores=fused.scores.astype(np.float64))


class KeepsWhatAllFound(Spoilt):
    def made(self, fused, top_k):
        found = [one.rank > 0 for one in fused.contributions.values()]
        return picked(fused, np.flatnonzero(np.all(found, axis=0)))


class PutsTheWorstFirst(Spoilt):
    def made(self, fused, top_k):
        return picked(fused, np.arange(len(fused))[::-1])


class CutsBeforeItFuses(Spoilt):
    """Looks at each branch's best top_k alone, so that what is second in both is lost."""

    def given(self, branches, top_k):
        return {
            name: replace(
                one,
                rows=one.rows[:top_k],
                scores=one.scores[:top_k],
                found=None if one.found is None else min(one.found, top_k),
            )
            for name, one in branches.items()
        }


class CutsTies(Spoilt):
    def made(self, fused, top_k):
        return picked(fused, np.arange(len(fused))[:top_k])


class ForgetsWeightsInItsAccount(Spoilt):
    def made(self, fused, top_k):
        account = {
            name: replace(one, contribution=one.normalised)
            for name, one in fused.contributions.items()
        }
        return replace(fused, contributions=account)


class RanksWhatWasScoredAfterwards(Spoilt):
    def given(self, branches, top_k):
        return {name: replace(one, found=None) for name, one in branches.items()}


class IsNoisy(Spoilt):
    def made(self, fused, top_k):
        noise = np.random.default_rng().random(len(fused)).astype(np.float32) * 1e-3
        return replace(fused, scores=fused.scores + noise)


class NormalisesInPlace(Spoilt):
    def given(self, branches, top_k):
        for one in branches.values():
            one.scores[:] = one.scores / np.float32(2)
        return branches


class TrustsTheFirst(Spoilt):
    """Weights by position instead of by name."""

    def fuse(self, branches, top_k):
        weights = {name: 1.0 / (1 + at) for at, name in enumerate(branches)}
        return Spoilt(weights).fuse(branches, top_k)


class CountsRowsInFloats(Spoilt):
    def given(self, branches, top_k):
        return {
            name: replace(one, rows=one.rows.astype(np.float64).astype(np.int64))
            for name, one in branches.items()
        }


class AsksForTheBest(Spoilt):
    """Of no rows there is none."""

    def made(self, fused, top_k):
        return fused if fused.scores.max() >= 0 else Candidates(fused.rows, fused.scores)
