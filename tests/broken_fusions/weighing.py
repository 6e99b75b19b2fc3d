"""Fusions that a bad branch sinks, and those whose weights do not weigh."""

import warnings
from dataclasses import replace

import numpy as np

from broken_fusions.spoilt import Spoilt
from retrievo.errors import ConfigError
from retrievo.fuse.union import Weighed, fused, union_of
from retrievo.telling import collecting

# A bad branch


class RanksWhatIsEqual(Spoilt):
    """Ranks of rows that are all alike are their places in the list."""

    def fuse(self, branches, top_k):
        union = union_of(branches)
        scored = {}
        for name, one in branches.items():
            values = np.zeros(len(union.rows))
            values[union.places[name]] = 1 / (60 + np.arange(len(one)))
            scored[name] = Weighed(values, 1.0)
        return fused(union, branches, scored, top_k)


class PassesNaNOn(Spoilt):
    def fuse(self, branches, top_k):
        union = union_of(branches)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scored = {
                name: Weighed(union.filled(name, one.scores / (one.bound or 1), 0), 0.5)
                for name, one in branches.items()
            }
            return fused(union, branches, scored, top_k)


class SaysNothingOfNaN(Spoilt):
    def fuse(self, branches, top_k):
        with collecting():
            return super().fuse(branches, top_k)


class DropsTheBranchForOneNaN(Spoilt):
    def given(self, branches, top_k):
        return {
            name: one
            if np.isfinite(one.scores).all()
            else replace(one, rows=one.rows[:0], scores=one.scores[:0])
            for name, one in branches.items()
        }


# Weights


class IgnoresWeights(Spoilt):
    """As a peer's rank fusion does."""

    def weighed(self, weights):
        super().weighed(weights)
        return self


class CutsWeightsAtOne(Spoilt):
    def weighed(self, weights):
        return super().weighed({name: min(weight, 1.0) for name, weight in weights.items()})


class KeepsTheWeightsOfAQuery(Spoilt):
    def weighed(self, weights):
        self._weights = super().weighed(weights)._weights
        return self


class TakesAnyWeight(Spoilt):
    def weighed(self, weights):
        try:
            return super().weighed(weights)
        except ConfigError:
            return self


class MindsNoNames(Spoilt):
    def fuse(self, branches, top_k):
        known = {name: (self._weights or {}).get(name, 1.0) for name in branches}
        return (
            Spoilt(known).fuse(branches, top_k)
            if known != self._weights
            else super().fuse(branches, top_k)
        )
