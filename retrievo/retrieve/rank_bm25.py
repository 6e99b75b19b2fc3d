"""BM25 by the package rank-bm25, over texts that it holds in memory."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import rank_bm25

from retrievo.contracts import Items, Space, Store
from retrievo.errors import ConfigError
from retrievo.filters import Filter, matches, unscoped
from retrievo.filters.scope import check_scope
from retrievo.retrieve.analysis import Analysis
from retrievo.retrieve.terms import Code
from retrievo.types import Candidates, Chunk, Query, Representation, Rows, Scores

Variant = Literal["okapi", "l", "plus"]
_VARIANTS = {"okapi": rank_bm25.BM25Okapi, "l": rank_bm25.BM25L, "plus": rank_bm25.BM25Plus}

_KEPT = 8
"""Tenants whose texts are held; another one takes the place of the one that waited longest."""


class RankBm25Retriever:
    """Chunks by rank-bm25's scores, as that package computes them: BM25Okapi, BM25L or BM25Plus.

    For small collections, and to compare with what others have measured: it keeps nothing in the
    store, holds the texts of a tenant in memory and reads them again when a document of it has
    changed; a search takes time in proportion to their number. Statistics are those of the tenant.
    Only chunks that have a word of the query are found, also where their score is 0 or less, which
    BM25Okapi gives to words of more than half of the texts. A score may not be compared with that
    of `bm25`. `language`, `languages`, `stop_words` and `code` are those of `bm25`.
    Trotman, Puurula and Burgess 2014.
    """

    def __init__(
        self,
        store: Store,
        *,
        variant: Variant = "okapi",
        depth: int = 100,
        language: str = "english",
        languages: Sequence[str] | None = None,
        stop_words: Sequence[str] | None = None,
        code: Code = "off",
        k1: float = 1.5,
        b: float = 0.75,
    ) -> None:
        if variant not in _VARIANTS:
            raise ConfigError(f"variant is {variant!r}; one of {tuple(_VARIANTS)} is wanted")
        if not 0 <= k1 <= 1000 or not 0 <= b <= 1 or depth < 1:
            raise ConfigError(
                f"rank-bm25 wants 0 <= k1 <= 1000, 0 <= b <= 1 and depth >= 1; got k1 = {k1}, "
                f"b = {b}, depth = {depth}"
            )
        self.depth = depth
        self._store = store
        self._analysis = Analysis(language, languages, stop_words, code)
        self._variant, self._k1, self._b = variant, k1, b
        self._turn = threading.Lock()
        self._held: dict[str | None, _Held] = {}

    @property
    def representations(self) -> Mapping[str, Space]:
        return {}

    def represent(self, items: Items) -> Mapping[str, Representation]:
        self._analysis.tell_unknown([chunk for _, chunks in items for chunk in chunks])
        return {}

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        tenant, wanted = unscoped(filters)
        check_scope(self._store.tenanted(), tenant, "rank-bm25")
        held = self._of(tenant)
        allowed = held.allowed(wanted)
        made = []
        for query in queries:
            weights = self._analysis.weights(query)
            places = np.flatnonzero(held.have(weights) & allowed)
            scores = held.scores(weights)[places].astype(np.float32)
            rows = held.rows[places]
            order = np.lexsort((rows, -scores))[:depth]
            few = len(rows) < depth
            made.append(
                Candidates(rows[order], scores[order], self._bound(held, weights), exhaustive=few)
            )
        return made

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        """The scores of the rows, each in the collection of its tenant; 0 without a common word."""
        rows = np.asarray(rows, np.int64)
        made = [np.zeros(len(rows), np.float32) for _ in queries]
        owners = np.array(self._store.tenants(rows), object)
        for tenant in dict.fromkeys(owners.tolist()):
            held = self._of(tenant)
            mine = np.flatnonzero(owners == tenant)
            places = held.places(rows[mine])
            for query, scores in zip(queries, made, strict=True):
                weights = self._analysis.weights(query)
                found = np.where(held.have(weights), held.scores(weights), 0.0)
                scores[mine] = found[places]
        return made

    def _bound(self, held: "_Held", weights: Mapping[int, float]) -> float | None:
        """What a text of nothing but these words comes near to; None for BM25L.

        rank-bm25's BM25L multiplies with how often a word occurs, which nothing bounds.
        """
        if self._variant == "l" or held.index is None:
            return None
        most = self._k1 + 1 + (held.index.delta if self._variant == "plus" else 0)
        idf = held.index.idf
        return float(sum(max(0.0, w * (idf.get(term) or 0) * most) for term, w in weights.items()))

    def _of(self, tenant: str | None) -> "_Held":
        """The texts of the tenant as they are now."""
        known = self._store.fingerprints(tenant=tenant)
        with self._turn:  # one builds, the others wait for it
            held = self._held.pop(tenant, None)
            if held is None or held.fingerprints != known:
                held = self._read(known, tenant)
            self._held[tenant] = held  # the last to go
            while len(self._held) > _KEPT:
                del self._held[next(iter(self._held))]
            return held

    def _read(self, known: dict[str, str], tenant: str | None) -> "_Held":
        parts = self._store.document_rows(list(known), tenant=tenant)
        rows = np.sort(np.concatenate([np.empty(0, np.int64), *parts]))
        chunks = self._store.get(rows)
        terms = [self._analysis.indices(chunk) for chunk in chunks]
        index = None
        if any(terms):
            index = _VARIANTS[self._variant](terms, k1=self._k1, b=self._b)
        return _Held(known, rows, chunks, index)


class _Held(NamedTuple):
    """A tenant's chunks in the order of their rows, and rank-bm25's index of them.

    No index where no text has a term: rank-bm25 makes none of nothing.
    """

    fingerprints: dict[str, str]
    rows: Rows
    chunks: Sequence[Chunk]
    index: Any

    def allowed(self, filters: Filter | None) -> npt.NDArray[np.bool_]:
        if filters is None:
            return np.ones(len(self.rows), bool)
        found = (matches(filters, chunk.metadata, chunk.doc_id) for chunk in self.chunks)
        return np.fromiter(found, bool, len(self.rows))

    def have(self, weights: Mapping[int, float]) -> npt.NDArray[np.bool_]:
        """Which chunks have one of the terms."""
        if self.index is None:
            return np.zeros(len(self.rows), bool)
        found = (not weights.keys().isdisjoint(counts) for counts in self.index.doc_freqs)
        return np.fromiter(found, bool, len(self.rows))

    def scores(self, weights: Mapping[int, float]) -> npt.NDArray[np.float64]:
        total = np.zeros(len(self.rows))
        if self.index is not None:
            for term, weight in weights.items():
                total += weight * self.index.get_scores([term])
        return total

    def places(self, rows: Rows) -> npt.NDArray[np.int64]:
        made: npt.NDArray[np.int64] = np.searchsorted(self.rows, rows)
        return made
