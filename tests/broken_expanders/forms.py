"""Expanders whose forms, words or vectors are wrong."""

import numpy as np

from broken_expanders.spoilt import Spoilt
from retrievo.types import Query


class HasNoVerb:
    def expand_found(self, query, first_pass):
        return [query]


class GivesNothing(Spoilt):
    def forms(self, forms):
        return []


class GivesTexts(Spoilt):
    def forms(self, forms):
        return [form.text for form in forms]


class GivesAGenerator(Spoilt):
    def forms(self, forms):
        return (form for form in forms)


class GivesAnEmptyQuery(Spoilt):
    def forms(self, forms):
        return [Query(" ")]


class WeighsNaN(Spoilt):
    def forms(self, forms):
        forms[1].weight = float("nan")
        return forms


class WeighsBelowZero(Spoilt):
    def forms(self, forms):
        forms[1].weight = -0.5
        return forms


class WeighsNothing(Spoilt):
    def forms(self, forms):
        for form in forms:
            form.weight = 0.0
        return forms


class GivesInfiniteTerms(Spoilt):
    def terms(self, terms):
        return dict.fromkeys(terms, float("inf"))


class GivesNegativeTerms(Spoilt):
    def terms(self, terms):
        return dict.fromkeys(terms, -1.0)


class GivesEmptyTerms(Spoilt):
    def terms(self, terms):
        return {**terms, "": 0.5}


class LosesTheQuery(Spoilt):
    def forms(self, forms):
        return forms[1:]


class RepeatsItself(Spoilt):
    def forms(self, forms):
        return [*forms, forms[1]]


class GivesMatrices(Spoilt):
    def vector(self, vector):
        return vector[None]


class GivesDoubles(Spoilt):
    def vector(self, vector):
        return vector.astype(np.float64)


class GivesSums(Spoilt):
    def vector(self, vector):
        return vector * np.float32(2)
