"""Lists that are wrong: their order, their length, what is said of them, whose they are."""

from dataclasses import replace

import numpy as np

from broken_retrievers.spoilt import Spoilt, cut
from retrievo.filters import Scoped, unscoped
from retrievo.types import Query


class GivesTheWorstFirst(Spoilt):
    def spoil(self, found, query):
        return cut(found, slice(None, None, -1))


class GivesARowTwice(Spoilt):
    def spoil(self, found, query):
        return cut(found, np.repeat(np.arange(len(found)), 2))


class GivesMoreThanAsked(Spoilt):
    def search(self, queries, depth, filters=None):
        return super().search(queries, depth + 1, filters)


class DropsTheBest(Spoilt):
    """Below the depth of the whole."""

    def search(self, queries, depth, filters=None):
        if depth >= 1000:
            return super().search(queries, depth, filters)
        return [cut(one, slice(1, None)) for one in super().search(queries, depth + 1, filters)]


class AlwaysSaysThatThisIsAll(Spoilt):
    def spoil(self, found, query):
        return replace(found, exhaustive=True)


class NeverSaysThatThisIsAll(Spoilt):
    def spoil(self, found, query):
        return replace(found, exhaustive=False)


class KeepsWhatItFound(Spoilt):
    """Does not see that the index has changed."""

    def __init__(self, store):
        super().__init__(store)
        self.kept = {}

    def search(self, queries, depth, filters=None):
        key = (tuple(query.text for query in queries), depth, str(filters))
        if key not in self.kept:
            self.kept[key] = super().search(queries, depth, filters)
        return self.kept[key]


class FailsOnAnEmptyIndex(Spoilt):
    def search(self, queries, depth, filters=None):
        if not self._store.count():
            raise ZeroDivisionError
        return super().search(queries, depth, filters)


class FiltersBehindTheDepth(Spoilt):
    def search(self, queries, depth, filters=None):
        tenant, _ = unscoped(filters)
        scope = None if tenant is None else Scoped(tenant)
        found = super().search(queries, depth, scope)
        allowed = super().search(queries, 10_000, filters)
        return [
            cut(one, np.isin(one.rows, other.rows))
            for one, other in zip(found, allowed, strict=True)
        ]


class RescalesWhatIsFiltered(Spoilt):
    def search(self, queries, depth, filters=None):
        found = super().search(queries, depth, filters)
        if filters is None:
            return found
        return [replace(one, scores=one.scores / 2) for one in found]


class FindsOtherTenantsRows(Spoilt):
    def search(self, queries, depth, filters=None):
        found = super().search(queries, depth, filters)
        if not isinstance(filters, Scoped):
            return found
        rows = np.concatenate([np.empty(0, np.int64), *self._store.scan()])
        return [replace(one, rows=rows[: len(one)]) for one in found]


class StumblesOverNothing(Spoilt):
    def search(self, queries, depth, filters=None):
        if not queries:
            raise ValueError("need at least one array to stack")
        return super().search(queries, depth, filters)


class GivesNaNForNothing(Spoilt):
    def spoil(self, found, query):
        if query.text.strip():
            return found
        return replace(found, rows=np.array([1]), scores=np.array([np.nan], np.float32))


class WantsAscii(Spoilt):
    def spoil(self, found, query):
        query.text.encode()  # a lone surrogate has no form in UTF-8
        return found


class DependsOnItsBatch(Spoilt):
    def search(self, queries, depth, filters=None):
        found = super().search(queries, depth, filters)
        return [replace(one, scores=one.scores / len(queries)) for one in found]


class IsRestless(Spoilt):
    calls = 0

    def spoil(self, found, query):
        self.calls += 1
        return replace(found, scores=found.scores + np.float32(self.calls * 1e-3))


class SwapsQueries(Spoilt):
    def search(self, queries, depth, filters=None):
        return super().search([Query(query.text) for query in queries][::-1], depth, filters)
