"""The store without files: exact numpy, nothing to install, and the oracle of the others."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Batch, Statistics, StoreStats
from retrievo.errors import IndexMissingError, StoreError
from retrievo.filters import Filter, check_scope, check_tenant, scoped, unscoped
from retrievo.passport import Passport
from retrievo.store.locking import ReadWriteLock
from retrievo.store.memory.coded import Coding
from retrievo.store.memory.searching import all_scores, best_rows, matching_places
from retrievo.store.memory.sizes import stats_of
from retrievo.store.memory.state import State, replaced, without, written
from retrievo.store.representations import pick
from retrievo.types import Candidates, Chunk, Representation, Rows, Scores, SparseRows

WHERE = "in memory"


class MemoryStore:
    """Everything in arrays, gone with the process. Search is exact: every row is scored.

    A search works on what was there when it began, whatever is written meanwhile; hold `reading()`
    to fetch what it found. A write that fails or is interrupted changes nothing.

    With a `compression`, a dense search of 5,000 vectors or more reads codes, and scores exactly
    the best depth * `oversampling` of them (without one, what suits the codec). "auto" measures
    which codec keeps `min_recall` of the exact best 10, and tells. The floats stay in memory.
    """

    capabilities = frozenset({"dense", "sparse", "multi", "filter", "tenants"})

    def __init__(
        self,
        compression: Literal[
            "none", "int8", "binary", "itq", "rabitq", "residual-2bit", "pca-int8", "auto"
        ] = "none",
        min_recall: float = 0.98,
        oversampling: float | None = None,
    ) -> None:
        self._coding = Coding(compression, min_recall, oversampling)
        if compression != "none":
            self.capabilities = self.capabilities | {"approximate"}
        self.lock = ReadWriteLock()
        self._passport: Passport | None = None
        self._config: dict[str, Any] = {}
        self._now: State | None = None
        self._closed = False

    def exists(self) -> bool:
        """Whether something was opened before."""
        return self._passport is not None

    def open(self, passport: Passport | None, config: Mapping[str, Any] | None = None) -> None:
        if self._closed:
            raise StoreError("the memory store was closed and is empty; make a new one")
        if self._passport is not None:
            return
        if passport is None:
            raise IndexMissingError("nothing is indexed yet; call pipeline.index(...) first")
        self._now = State.empty(passport.representations)
        self._passport, self._config = passport, dict(config or {})

    def close(self) -> None:
        with self.lock.writing():
            self._closed, self._now = True, None

    def _state(self) -> State:
        state = self._now
        if state is None:
            raise StoreError(f"the memory store is {'closed' if self._closed else 'not open yet'}")
        return state

    def reading(self) -> AbstractContextManager[None]:
        self._state()
        return self.lock.reading()

    def passport(self) -> Passport | None:
        self._state()
        return self._passport

    def config(self) -> dict[str, Any] | None:
        self._state()
        return self._config

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        self._state()
        self._passport, self._config = passport, dict(config)

    # writing

    def write(self, batch: Batch) -> None:
        with self.lock.writing():
            self._now = written(self._check(batch.tenant), batch)

    def delete(self, doc_ids: Sequence[str], tenant: str | None = None) -> int:
        with self.lock.writing():
            before = self._check(tenant)
            here = [name for name in dict.fromkeys(doc_ids) if before.entry(tenant, name)]
            self._now = without(before, here, tenant)
        return len(here)

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        with self.lock.writing():
            self._now = replaced(self._state(), representation, rows, values, fitted_mean)

    def settle(self) -> None:
        state = self._state()
        for name in state.kept:
            values = state.values(name)
            if isinstance(values, np.ndarray):
                self._coding.coded(state.lookups.coded, name, values)

    # searching

    def search(
        self,
        representation: str,
        queries: Representation,
        depth: int,
        filters: Filter | None = None,
    ) -> list[Candidates]:
        state = self._state()
        among = matching_places(state, filters, WHERE)
        return best_rows(state, representation, queries, depth, among, self._coding)

    def score(self, representation: str, queries: Representation, rows: Rows) -> list[Scores]:
        state = self._state()
        return all_scores(state, representation, queries, state.places(rows))

    def count(self, filters: Filter | None = None) -> int:
        state = self._state()
        if filters is None:
            return len(state)
        among = matching_places(state, filters, WHERE)
        return len(state) if among is None else len(among)

    def missing_keys(self, filters: Filter) -> Sequence[str]:
        """The metadata keys that the filter compares and that no chunk in its scope has."""
        state = self._state()
        tenant, wanted = unscoped(filters)
        if wanted is None:
            return ()
        among = matching_places(state, scoped(None, tenant), WHERE)
        columns = state.lookups.columns(state.rows.array, state.chunks)
        return columns.missing_keys(wanted, None if among is None else state.rows.array[among])

    def known_keys(self, tenant: str | None = None) -> set[str]:
        """Metadata keys there are, as far as a sample of the documents shows."""
        state = self._check(tenant)
        places = matching_places(state, scoped(None, tenant), WHERE)
        first = range(len(state)) if places is None else places.tolist()
        return {key for place in first[:1000] for key in state.chunks[place].metadata}

    # looking up

    def get(self, rows: Rows) -> list[Chunk]:
        state = self._state()
        return [state.chunks[place] for place in state.places(rows).tolist()]

    def rows(self, chunk_ids: Sequence[str], tenant: str | None = None) -> Rows:
        state = self._check(tenant)
        if tenant not in state.documents:
            return np.full(len(chunk_ids), -1, np.int64)
        owner = state.tenants.index(tenant)
        known = state.lookups.row_of(state.rows.array, state.owners.array, state.chunks)
        return np.array([known.get((owner, name), -1) for name in chunk_ids], np.int64)

    def document_rows(self, doc_ids: Sequence[str], tenant: str | None = None) -> list[Rows]:
        state = self._check(tenant)
        found = [state.entry(tenant, name) for name in doc_ids]
        return [
            np.arange(entry.first, entry.first + entry.n) if entry else np.empty(0, np.int64)
            for entry in found
        ]

    def document_numbers(self, rows: Rows) -> Rows:
        state = self._state()
        return state.numbers.array[state.places(rows)]

    def tenants(self, rows: Rows) -> list[str | None]:
        state = self._state()
        return [state.tenants[owner] for owner in state.owners.array[state.places(rows)].tolist()]

    def tenanted(self) -> bool | None:
        return self._state().tenanted()

    def fingerprints(
        self, doc_ids: Sequence[str] | None = None, tenant: str | None = None
    ) -> dict[str, str]:
        here = self._check(tenant).documents.get(tenant, {})
        names = here if doc_ids is None else (name for name in doc_ids if name in here)
        return {name: here[name].fingerprint for name in names}

    def _check(self, tenant: str | None) -> State:
        """The state, in which a tenant is wanted or not as it is given or not."""
        state = self._state()
        if tenant is not None:
            check_tenant(tenant)
        check_scope(state.tenanted(), tenant, WHERE)
        return state

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        rows = self._state().rows.array
        return (rows[start : start + size] for start in range(0, len(rows), size))

    def vectors(self, representation: str, rows: Rows) -> Representation:
        state = self._state()
        return pick(state.values(representation), state.places(rows))

    def document_count(self) -> int:
        return sum(map(len, self._state().documents.values()))

    def statistics(self, representation: str) -> Statistics:
        state = self._state()
        values, fitted = state.values(representation), state.fitted.get(representation)
        if not isinstance(values, SparseRows) or not len(values):
            return Statistics(len(values), 0.0, fitted)
        lengths = values.lengths if values.lengths is not None else np.diff(values.indptr)
        return Statistics(len(values), float(lengths.mean(dtype=float)), fitted)

    def frequencies(
        self, representation: str, indices: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        return self._state().inverted(representation).frequencies(indices)

    def stats(self) -> StoreStats:
        return stats_of(self._state())
