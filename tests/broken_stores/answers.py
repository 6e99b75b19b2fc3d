"""Stores that answer wrongly, each in one way that real ones have: the contract kit must see it."""

import dataclasses

import numpy as np

from retrievo.filters import And, Compare, Not, Or, Scoped, matches, unscoped
from retrievo.store.memory.searching import best_rows
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Candidates


def narrowed(found, stay):
    """The candidates at which `stay` is true."""
    return dataclasses.replace(found, rows=found.rows[stay], scores=found.scores[stay])


# Filters


class LeaksAFilter(MemoryStore):
    """The lexical branch knows no filters."""

    def search(self, representation, queries, depth, filters=None):
        tenant, _ = unscoped(filters)
        if representation == "lexical":
            filters = tenant and Scoped(tenant)
        return super().search(representation, queries, depth, filters)


class FiltersAfterwards(MemoryStore):
    """Takes the best `depth` and then drops what does not match: too few come back."""

    def search(self, representation, queries, depth, filters=None):
        tenant, wanted = unscoped(filters)
        found = super().search(representation, queries, depth, tenant and Scoped(tenant))
        if wanted is None:
            return found
        return [
            narrowed(one, [matches(wanted, c.metadata, c.doc_id) for c in self.get(one.rows)])
            for one in found
        ]


class TakesTrueForOne(MemoryStore):
    """Compares as Python does, for which 1 == True."""

    def search(self, representation, queries, depth, filters=None):
        tenant, wanted = unscoped(filters)
        loose = None if wanted is None else self.loose(wanted)
        filters = loose if tenant is None else Scoped(tenant, loose)
        return super().search(representation, queries, depth, filters)

    def loose(self, wanted):
        if isinstance(wanted, Not):
            return Not(self.loose(wanted.part))
        if isinstance(wanted, And | Or):
            return type(wanted)(tuple(map(self.loose, wanted.parts)))
        if wanted.op == "==" and wanted.value in (0, 1):
            same = (bool(wanted.value), int(wanted.value))
            return Or(tuple(Compare(wanted.key, "==", value) for value in same))
        return wanted


class RemembersAFilter(MemoryStore):
    """Keeps the rows that a filter matched, whatever is written since."""

    def __init__(self):
        super().__init__()
        self.remembered = {}

    def search(self, representation, queries, depth, filters=None):
        if filters is None:
            return super().search(representation, queries, depth)
        if filters not in self.remembered:
            everything = super().search("dense", np.ones((1, 8), np.float32), 10**6, filters)
            self.remembered[filters] = everything[0].rows
        found = super().search(representation, queries, 10**6)
        among = [np.isin(one.rows, self.remembered[filters]) for one in found]
        return [
            Candidates(one.rows[stay][:depth], one.scores[stay][:depth], None, stay.sum() < depth)
            for one, stay in zip(found, among, strict=True)
        ]


# Searches


class MisSorts(MemoryStore):
    """Gives the best, in the order in which they were written."""

    def search(self, representation, queries, depth, filters=None):
        found = super().search(representation, queries, depth, filters)
        return [narrowed(one, np.argsort(one.rows)) for one in found]


class CapsTheDepth(MemoryStore):
    def search(self, representation, queries, depth, filters=None):
        return super().search(representation, queries, min(depth, 64), filters)


class DropsWhatIsUnlike(MemoryStore):
    """Takes a score of zero or less for no result, as cosine thresholds do."""

    def search(self, representation, queries, depth, filters=None):
        found = super().search(representation, queries, depth, filters)
        return [narrowed(one, one.scores > 0) for one in found]


class MeasuresCosine(MemoryStore):
    """Makes vectors unit vectors as they come in."""

    def write(self, batch):
        dense = np.array(batch.representations["dense"])
        if len(dense):
            dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
        values = {**batch.representations, "dense": dense}
        super().write(dataclasses.replace(batch, representations=values))


class ClaimsAll(MemoryStore):
    """Says of every answer that nothing else matches."""

    def search(self, representation, queries, depth, filters=None):
        found = super().search(representation, queries, depth, filters)
        return [dataclasses.replace(one, exhaustive=True) for one in found]


# Tenants


class LeavesTheScope(MemoryStore):
    """One branch, written later than the others, searches all tenants."""

    def search(self, representation, queries, depth, filters=None):
        if representation == "tokens" and isinstance(filters, Scoped) and filters.filters is None:
            return best_rows(self._state(), representation, queries, depth, None, self._coding)
        return super().search(representation, queries, depth, filters)


class FindsAnybodysDocument(MemoryStore):
    """Looks documents up by id alone where the tenant has none of that id."""

    def document_rows(self, doc_ids, tenant=None):
        found = super().document_rows(doc_ids, tenant)
        for owner in self._state().documents:
            theirs = super().document_rows(doc_ids, owner)
            found = [one if len(one) else other for one, other in zip(found, theirs, strict=True)]
        return found


class AnswersWithoutATenant(MemoryStore):
    """Takes a forgotten tenant for "all of them" when it counts."""

    def count(self, filters=None):
        if isinstance(filters, Scoped) or not self.tenanted():
            return super().count(filters)
        return sum(super(AnswersWithoutATenant, self).count(Scoped(tenant, filters))
                   for tenant in self._state().documents)  # fmt: skip
