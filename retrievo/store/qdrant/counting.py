"""What is counted over the whole collection, remembered for a few seconds."""

import math
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from qdrant_client import models

from retrievo.contracts import Space, Statistics
from retrievo.store.qdrant.conditions import match, visible
from retrievo.store.qdrant.points import CHANGING, DOCUMENT, STATE, TENANT, length_key
from retrievo.store.qdrant.searching import Searches
from retrievo.store.qdrant.sending import Server

T = TypeVar("T")

MOST_VALUES = 1_000_000
"""Distinct lengths, or tenants, that one request tells."""

MOST_TERMS = 100_000


class Counts:
    """Counts of the collection; own writes `forget` them, others' are seen after `remember_s`."""

    def __init__(
        self, server: Server, spaces: dict[str, Space], searches: Searches, remember_s: float
    ) -> None:
        self._server = server
        self._spaces = spaces
        self._searches = searches
        self._remember_s = remember_s
        self._known: dict[Hashable, tuple[float, Any]] = {}

    def forget(self) -> None:
        self._known = {}

    def chunks(self) -> int:
        return self.remembered("chunks", lambda: self.count(visible(None)))

    def documents(self) -> int:
        states = models.Filter(must=[match(STATE, DOCUMENT, CHANGING)])
        return self.remembered("documents", lambda: self.count(states))

    def count(self, where: models.Filter) -> int:
        found = self._server.ask("counting", "count", count_filter=where, exact=True)
        return int(found.count)

    def tenants(self) -> int:
        return len(self._values("counting tenants", TENANT))

    def statistics(self, name: str, fitted: float | None) -> Statistics:
        n, mean = self.remembered(("lengths", name), lambda: self._lengths(name))
        return Statistics(n, mean, fitted)

    def _lengths(self, name: str) -> tuple[int, float]:
        if self._spaces[name].kind != "sparse":
            return self.chunks(), 0.0
        hits = self._values("asking for lengths", length_key(name))
        n = sum(hit.count for hit in hits)
        return n, sum(float(hit.value) * hit.count for hit in hits) / n if n else 0.0

    def _values(self, doing: str, key: str) -> list[Any]:
        found = self._server.ask(
            doing, "facet", key=key, facet_filter=visible(None), limit=MOST_VALUES, exact=True
        )
        return list(found.hits)

    def frequencies(self, name: str, indices: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """In how many rows each index occurs.

        The server tells no document frequencies. With its idf, one query of one term tells: the
        score of the best row, divided by its stored weight, is ln(1 + (n - df + .5) / (df + .5)).
        Without, the rows that a query of the term finds are counted.
        """
        wanted = list(dict.fromkeys(indices.tolist()))
        known = self._known  # `forget` puts another in its place, not other values into this one
        if len(known) > MOST_TERMS:
            known = self._known = {}
        start = time.monotonic() - self._remember_s
        kept = {term: known.get((name, term), (-math.inf, 0)) for term in wanted}
        found = {term: df for term, (at, df) in kept.items() if at > start}
        terms = [term for term in wanted if term not in found]
        if terms:
            now = time.monotonic()
            told = self._probed(name, terms) if self._spaces[name].idf else dict.fromkeys(terms)
            told |= self._counted(name, [term for term in terms if told[term] is None])
            known.update(((name, term), (now, told[term])) for term in terms)
            found |= told
        return np.array([found[term] for term in indices.tolist()], np.int64)

    def _probed(self, name: str, terms: list[int]) -> dict[int, int | None]:
        n = self.remembered(("lengths", name), lambda: self._lengths(name))[0]
        probes = [self._searches.probe(name, term, 1, vectors=True) for term in terms]
        answers = self._searches.answers("asking for term frequencies", probes)
        return {t: _frequency(name, t, n, a) for t, a in zip(terms, answers, strict=True)}

    def _counted(self, name: str, terms: list[int]) -> dict[int, int | None]:
        if not terms:
            return {}
        limit = max(self.chunks(), 1)
        probes = [self._searches.probe(name, term, limit, vectors=False) for term in terms]
        answers = self._searches.answers("counting rows of terms", probes)
        return {t: len(answer) for t, answer in zip(terms, answers, strict=True)}

    def remembered(self, key: Hashable, ask: Callable[[], T]) -> T:
        """What `ask` gives, or gave not long ago."""
        kept = self._known.get(key)
        if kept is None or time.monotonic() - kept[0] >= self._remember_s:
            known = self._known
            kept = known[key] = (time.monotonic(), ask())
        found: T = kept[1]
        return found


def _frequency(name: str, term: int, n: int, answer: list[Any]) -> int | None:
    if not answer:
        return 0
    vector = answer[0].vector[name]
    weight = dict(zip(vector.indices, vector.values, strict=True))[term]
    if weight <= 0 or answer[0].score <= 0:
        return None
    # idf = ln((n + 1) / (df + .5)), solved for df.
    df = (n + 1) * math.exp(-answer[0].score / weight) - 0.5
    return min(max(round(df), 1), n)
