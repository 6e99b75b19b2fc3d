"""The store without files: exact numpy, nothing to install, and the oracle of the others."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Batch, Space, Statistics
from retrievo.errors import IndexMissingError, StoreError
from retrievo.filters import Filter
from retrievo.passport import Passport
from retrievo.store.columns import Columns
from retrievo.store.inverted import Inverted
from retrievo.store.locking import ReadWriteLock
from retrievo.store.ordering import best_first
from retrievo.store.representations import no_rows, pick, stack
from retrievo.types import Candidates, Chunk, Representation, Rows, Scores, SparseRows, Vectors


class MemoryStore:
    """Everything in arrays, gone with the process. Search is exact: every row is scored."""

    capabilities = frozenset({"dense", "sparse", "filter"})

    def __init__(self) -> None:
        self.lock = ReadWriteLock()
        self._passport: Passport | None = None
        self._config: dict[str, Any] = {}
        self._spaces: dict[str, Space] = {}
        self._next_row = 0
        # Aligned with one another: position p holds row, chunk and each representation's p-th row.
        self._rows: Rows = np.empty(0, np.int64)
        self._chunks: list[Chunk] = []
        self._values: dict[str, Representation] = {}
        self._fitted: dict[str, float | None] = {}
        self._fingerprints: dict[str, str] = {}
        self._document_rows: dict[str, list[int]] = {}
        self._columns: Columns | None = None
        self._inverted: dict[str, Inverted] = {}
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
        self._passport, self._config = passport, dict(config or {})
        self._spaces = dict(passport.representations)
        for name, space in self._spaces.items():
            if space.kind == "multi":
                raise StoreError(f"store 'memory' keeps no multi-vectors yet; {name!r} needs them")
            self._values[name] = no_rows(space)

    def close(self) -> None:
        with self.lock.writing():
            self._closed = True
            self._rows, self._chunks, self._values = np.empty(0, np.int64), [], {}
            self._fingerprints, self._document_rows = {}, {}
            self._changed()

    def _check_open(self) -> None:
        if self._closed or self._passport is None:
            raise StoreError("the memory store is closed" if self._closed else "open it first")

    def reading(self) -> AbstractContextManager[None]:
        return self.lock.reading()

    def passport(self) -> Passport | None:
        self._check_open()
        return self._passport

    def config(self) -> dict[str, Any] | None:
        self._check_open()
        return self._config

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        self._check_open()
        self._passport, self._config = passport, dict(config)

    # writing

    def write(self, batch: Batch) -> None:
        self._check_open()
        with self.lock.writing():
            chunks = [chunk for _, part in batch.items for chunk in part]
            rows = np.arange(self._next_row, self._next_row + len(chunks), dtype=np.int64)
            copied = batch.reuse >= 0
            order = np.argsort(np.argsort(copied, kind="stable"), kind="stable")
            values = {}
            for name, kept in self._values.items():
                own = batch.representations.get(name)
                copies = pick(kept, self._positions(batch.reuse[copied]))
                values[name] = pick(stack([copies] if own is None else [own, copies]), order)
                if isinstance(own, SparseRows) and self._fitted.get(name) is None:
                    self._fitted[name] = own.fitted_mean
            # Everything that can fail has been done: from here the change is whole.
            self._remove([document.id for document, _ in batch.items])
            for name, value in values.items():
                self._values[name] = stack([self._values[name], value])
            self._next_row += len(chunks)
            self._rows = np.concatenate([self._rows, rows])
            self._chunks += chunks
            taken = iter(rows.tolist())
            for (document, part), fingerprint in zip(batch.items, batch.fingerprints, strict=True):
                self._fingerprints[document.id] = fingerprint
                self._document_rows[document.id] = [next(taken) for _ in part]
            self._changed()

    def _remove(self, doc_ids: Sequence[str]) -> None:
        gone = [row for name in doc_ids for row in self._document_rows.pop(name, [])]
        for name in doc_ids:
            self._fingerprints.pop(name, None)
        if gone:
            stay = np.flatnonzero(~np.isin(self._rows, np.array(gone)))
            self._rows = self._rows[stay]
            self._chunks = [self._chunks[place] for place in stay.tolist()]
            self._values = {name: pick(value, stay) for name, value in self._values.items()}

    def delete(self, doc_ids: Sequence[str]) -> int:
        self._check_open()
        with self.lock.writing():
            here = [name for name in dict.fromkeys(doc_ids) if name in self._fingerprints]
            self._remove(here)
            self._changed()
        return len(here)

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        self._check_open()
        with self.lock.writing():
            kept = self._values[representation]
            order = np.arange(len(kept))
            order[self._positions(rows)] = len(kept) + np.arange(len(rows))
            self._values[representation] = pick(stack([kept, values]), order)
            if fitted_mean is not None:
                self._fitted[representation] = fitted_mean
            self._changed()

    def settle(self) -> None:
        self._check_open()

    def _changed(self) -> None:
        self._columns = None
        self._inverted = {}

    # searching

    def search(
        self,
        representation: str,
        queries: Vectors | SparseRows,
        depth: int,
        filters: Filter | None = None,
    ) -> list[Candidates]:
        with self.lock.reading():
            self._check_open()
            allowed = None
            if filters is not None:
                allowed = np.isin(
                    self._rows, self._all().matching(filters).rows, assume_unique=True
                )
            values = self._values[representation]
            if isinstance(values, SparseRows):
                assert isinstance(queries, SparseRows)
                inverted = self._index(representation)
                scored = (inverted.scores(*queries[i]) for i in range(len(queries)))
                return [self._best(scores, scores > 0, depth, allowed) for scores in scored]
            everything = np.ones(len(self._rows), bool)
            assert isinstance(queries, np.ndarray) and isinstance(values, np.ndarray)
            every = queries @ values.T
            return [self._best(scores, everything, depth, allowed) for scores in every]

    def _best(
        self, scores: Scores, found: npt.NDArray[np.bool_], depth: int, allowed: Any
    ) -> Candidates:
        places = np.flatnonzero(found if allowed is None else found & allowed)
        exhaustive = len(places) < depth
        if len(places) > depth > 0:
            # All that equal the last one stay in: which of them is cut depends on their rows.
            last = -np.partition(-scores[places], depth - 1)[depth - 1]
            places = places[scores[places] >= last]
        return best_first(self._rows[places], scores[places], max(depth, 0), exhaustive=exhaustive)

    def _all(self) -> Columns:
        if self._columns is None:
            rows, chunks = self._rows, self._chunks
            self._columns = Columns(
                rows,
                lambda: (
                    (row, chunk.doc_id, chunk.metadata)
                    for row, chunk in zip(rows.tolist(), chunks, strict=True)
                ),
            )
        return self._columns

    def _index(self, representation: str) -> Inverted:
        found = self._inverted.get(representation)
        if found is None:
            values = self._values[representation]
            assert isinstance(values, SparseRows)
            found = self._inverted[representation] = Inverted(values)
        return found

    def score(self, representation: str, queries: Vectors | SparseRows, rows: Rows) -> list[Scores]:
        self._check_open()
        with self.lock.reading():
            places = self._positions(rows)
            values = self._values[representation]
            if isinstance(values, SparseRows):
                assert isinstance(queries, SparseRows)
                inverted = self._index(representation)
                return [inverted.scores(*queries[i])[places] for i in range(len(queries))]
            assert isinstance(queries, np.ndarray) and isinstance(values, np.ndarray)
            return list(queries @ values[places].T)

    # reading

    def _positions(self, rows: Rows) -> npt.NDArray[np.int64]:
        places = np.searchsorted(self._rows, rows)
        found = places < len(self._rows)
        found[found] = self._rows[places[found]] == rows[found]
        if not found.all():
            raise StoreError(f"the memory store has no row {rows[~found][0]}")
        return places.astype(np.int64)

    def get(self, rows: Rows) -> list[Chunk]:
        self._check_open()
        return [self._chunks[place] for place in self._positions(rows).tolist()]

    def rows(self, chunk_ids: Sequence[str]) -> Rows:
        self._check_open()
        known = {
            chunk.id: row for chunk, row in zip(self._chunks, self._rows.tolist(), strict=True)
        }
        return np.array([known.get(name, -1) for name in chunk_ids], np.int64)

    def document_rows(self, doc_ids: Sequence[str]) -> list[Rows]:
        self._check_open()
        return [np.array(self._document_rows.get(name, []), np.int64) for name in doc_ids]

    def document_numbers(self, rows: Rows) -> Rows:
        numbers: dict[str, int] = {}
        names = (chunk.doc_id for chunk in self.get(rows))
        return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        self._check_open()
        rows = self._rows
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def vectors(self, representation: str, rows: Rows) -> Representation:
        self._check_open()
        return pick(self._values[representation], self._positions(rows))

    def fingerprints(self, doc_ids: Sequence[str] | None = None) -> dict[str, str]:
        self._check_open()
        if doc_ids is None:
            return dict(self._fingerprints)
        return {n: self._fingerprints[n] for n in doc_ids if n in self._fingerprints}

    def statistics(self, representation: str) -> Statistics:
        self._check_open()
        values = self._values[representation]
        if not isinstance(values, SparseRows) or not len(values):
            return Statistics(len(values), 0.0, self._fitted.get(representation))
        lengths = values.lengths if values.lengths is not None else np.diff(values.indptr)
        return Statistics(
            len(values), float(lengths.mean(dtype=float)), self._fitted.get(representation)
        )

    def frequencies(
        self, representation: str, indices: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        self._check_open()
        return self._index(representation).frequencies(indices)

    def count(self, filters: Filter | None = None) -> int:
        self._check_open()
        return len(self._rows) if filters is None else len(self._all().matching(filters).rows)

    def document_count(self) -> int:
        self._check_open()
        return len(self._fingerprints)
