"""Expanders that trip over a text, or over who else asks."""

import time

from broken_expanders.spoilt import ENCODER, Spoilt
from retrievo.errors import SearchError


class TripsOverNothing(Spoilt):
    def expand_found(self, query, first_pass):
        _ = query.text.split()[0]
        return super().expand_found(query, first_pass)


class TripsOverSurrogates(Spoilt):
    def expand_found(self, query, first_pass):
        query.text.encode()
        return super().expand_found(query, first_pass)


class TripsOverNoHits(Spoilt):
    def expand_found(self, query, first_pass):
        _ = first_pass(query, 3).chunks[0]
        return super().expand_found(query, first_pass)


class LosesTheQueryOfNoHits(Spoilt):
    def expand_found(self, query, first_pass):
        forms = super().expand_found(query, first_pass)
        return forms if len(first_pass(query, 3)) else forms[1:]


class RefusesOddTexts(Spoilt):
    """Right: for what must stay green."""

    def expand_found(self, query, first_pass):
        if not query.text.isprintable() or not query.text.strip():
            raise SearchError("this text cannot be expanded")
        return super().expand_found(query, first_pass)


class Counts(Spoilt):
    asked = 0

    def terms(self, terms):
        self.asked += 1
        return {**terms, f"word{self.asked}": 0.5}


class AddsToWhatIsGiven(Spoilt):
    def expand_found(self, query, first_pass):
        query.terms = {**query.terms, "more": 1.0}
        return super().expand_found(query, first_pass)


class MovesInPlace(Spoilt):
    def expand_found(self, query, first_pass):
        if "dense" in query.vectors:
            query.vectors["dense"][:] = ENCODER.encode_query(["elsewhere"])[0]
        return super().expand_found(query, first_pass)


class HandsOutItsCache(Spoilt):
    def __init__(self):
        self.known = {}

    def expand_found(self, query, first_pass):
        if query.text not in self.known:
            self.known[query.text] = super().expand_found(query, first_pass)
        return self.known[query.text]


class SharesItsVector(Spoilt):
    """Its lists are its own each time; the array in them is one for all."""

    def __init__(self):
        self.known = {}

    def expand_found(self, query, first_pass):
        forms = super().expand_found(query, first_pass)
        forms[0].vectors["dense"] = self.known.setdefault(query.text, forms[0].vectors["dense"])
        return forms


class KeepsBetweenSteps(Spoilt):
    """Keeps the query on itself, where another thread puts its own."""

    def expand_found(self, query, first_pass):
        self.kept = query
        time.sleep(0.01)
        return super().expand_found(self.kept, first_pass)
