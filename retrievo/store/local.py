"""The embedded store: Qdrant Edge holds the vectors, SQLite everything else, in one folder."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Batch, Statistics
from retrievo.errors import IndexLockedError, IndexMissingError, StoreError
from retrievo.filters import Filter
from retrievo.passport import Passport
from retrievo.store.catalog import Catalog
from retrievo.store.columns import Columns, Matching
from retrievo.store.counts import TermCounts
from retrievo.store.database import Database
from retrievo.store.engine import Engine, only
from retrievo.store.folder import CATALOG, VECTORS, held_by, hold, make_index, meta_of, release
from retrievo.store.locking import ReadWriteLock
from retrievo.store.narrowing import search_among
from retrievo.store.writing import write_batch
from retrievo.types import Candidates, Chunk, Representation, Rows, Scores, SparseRows, Vectors


class LocalStore:
    """An index in the folder `path`, held by one process at a time.

    Rows become visible when SQLite commits, after the engine has flushed them; what a killed
    process left behind in the engine is removed when the index is opened again.
    """

    capabilities = frozenset({"dense", "sparse", "filter", "persistent"})

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.lock = ReadWriteLock()
        self.database: Database
        self.catalog: Catalog
        self.engine: Engine
        self.counts: TermCounts
        self._open = False
        self._process = 0
        self._passport: Passport | None = None
        self._columns: Columns | None = None
        self._counted: tuple[int, int] | None = None

    # opening and closing

    def exists(self) -> bool:
        """Whether there is an index in the folder."""
        return (self.path / CATALOG).exists()

    def open(self, passport: Passport | None, config: Mapping[str, Any] | None = None) -> None:
        if self._open:
            return
        create = not self.exists()
        if create and passport is None:
            raise IndexMissingError(
                f"there is no index at {self.path}; make one with `retrievo index PATH "
                f"--index {self.path}` or pipeline.index(...)"
            )
        if create and passport is not None:
            make_index(self.path, passport, config or {})
        self._load()

    def _load(self) -> None:
        try:
            self.database = Database(self.path / CATALOG, create=False)
        except IndexLockedError:
            raise IndexLockedError(held_by(self.path)) from None
        try:
            self.catalog = Catalog(self.database)
            self.counts = TermCounts(self.database)
            text = self.catalog.meta("passport")
            if text is None:
                raise StoreError(f"{self.path / CATALOG} is not a Retrievo index")
            self._passport = Passport.from_json(text)
            spaces = self._passport.representations
            self.engine = Engine(self.path / VECTORS, spaces, create=False)
            self._recover()
        except BaseException:
            self.database.close()
            raise
        hold(self.path)
        self._open, self._process = True, os.getpid()

    def _recover(self) -> None:
        """Remove from the engine what a killed process had not committed, or had deleted."""
        pending, dead = self.catalog.unsettled()
        if not pending and not len(dead):
            return
        for first, past in pending:
            kept = self.catalog.has_rows(first, past)
            self.engine.delete([row for row in range(first, past) if row not in kept])
        self.engine.delete(dead.tolist())
        self.engine.flush()
        with self.catalog.transaction():
            self.catalog.clear_pending()
        self.catalog.clear_dead()

    def close(self) -> None:
        if not self._open or os.getpid() != self._process:
            return
        with self.lock.writing():
            self._open = False
            self.engine.close()
            release(self.path)
            self.database.close()

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError(f"the index {self.path} is closed; open it again")
        if os.getpid() != self._process:
            raise StoreError(
                f"the index {self.path} was opened in process {self._process}, from which this one "
                "was forked; open it after the fork"
            )

    def reading(self) -> AbstractContextManager[None]:
        return self.lock.reading()

    # what it is

    def passport(self) -> Passport | None:
        self._check_open()
        return self._passport

    def config(self) -> dict[str, Any] | None:
        self._check_open()
        text = self.catalog.meta("config")
        return json.loads(text) if text else None

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        self._check_open()
        with self.lock.writing(), self.catalog.transaction():
            self.catalog.set_meta(meta_of(passport, config))
        self._passport = passport

    # writing

    def write(self, batch: Batch) -> None:
        self._check_open()
        with self._writing():
            write_batch(self.catalog, self.counts, self.engine, batch)

    def delete(self, doc_ids: Sequence[str]) -> int:
        self._check_open()
        with self._writing():
            here = list(self.catalog.fingerprints(list(doc_ids)))
            nothing = Batch([], [], {}, np.empty(0, np.int64))
            write_batch(self.catalog, self.counts, self.engine, nothing, remove=here)
        return len(here)

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        self._check_open()
        with self._writing():
            self.engine.replace(representation, rows, values)
            self.engine.flush()
            if fitted_mean is not None:
                with self.catalog.transaction():
                    self.counts.set_fitted(representation, fitted_mean)

    def settle(self) -> None:
        self._check_open()
        with self.lock.writing():
            self.engine.settle()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone; nothing remembered is believed afterwards, and nothing half done stays behind.

        What an error or an interrupt left in the engine would be found by the next search. Where
        not even taking it out succeeds, the index closes: opening it again does it.
        """
        with self.lock.writing():
            try:
                yield
            except BaseException:
                try:
                    self._recover()
                except StoreError:
                    self.close()
                raise
            finally:
                self._columns = self._counted = None
                self.counts.forget()

    # searching

    def search(
        self,
        representation: str,
        queries: Vectors | SparseRows,
        depth: int,
        filters: Filter | None = None,
    ) -> list[Candidates]:
        self._check_open()
        with self.lock.reading():
            among = None if filters is None else self._matching(filters)
            return [
                search_among(self.engine, representation, queries[i], depth, among)
                for i in range(len(queries))
            ]

    def _matching(self, filters: Filter) -> Matching:
        if self._columns is None:
            self._columns = Columns(self.catalog.all_rows(), self.catalog.all_metadata)
        return self._columns.matching(filters)

    def score(self, representation: str, queries: Vectors | SparseRows, rows: Rows) -> list[Scores]:
        self._check_open()
        with self.lock.reading():
            condition = only(rows)
            given = []
            for i in range(len(queries)):
                found, scores = self.engine.search(representation, queries[i], len(rows), condition)
                known = dict(zip(found.tolist(), scores.tolist(), strict=True))
                given.append(np.array([known.get(row, 0.0) for row in rows.tolist()], np.float32))
            return given

    # reading

    def get(self, rows: Rows) -> list[Chunk]:
        self._check_open()
        found = self.catalog.chunks(rows)
        try:
            return [found[row] for row in rows.tolist()]
        except KeyError as missing:
            raise StoreError(f"the index {self.path} has no row {missing.args[0]}") from None

    def rows(self, chunk_ids: Sequence[str]) -> Rows:
        self._check_open()
        found = self.catalog.rows_of_chunks(chunk_ids)
        return np.array([found.get(name, -1) for name in chunk_ids], np.int64)

    def document_rows(self, doc_ids: Sequence[str]) -> list[Rows]:
        self._check_open()
        found = self.catalog.rows_of_documents(doc_ids)
        return [np.array(found.get(name, []), np.int64) for name in doc_ids]

    def document_numbers(self, rows: Rows) -> Rows:
        self._check_open()
        found = self.catalog.document_numbers(rows)
        return np.array([found[row] for row in rows.tolist()], np.int64)

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        self._check_open()
        rows = self.catalog.all_rows()
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def vectors(self, representation: str, rows: Rows) -> Representation:
        self._check_open()
        with self.lock.reading():
            return self.engine.fetch(representation, rows)

    def fingerprints(self, doc_ids: Sequence[str] | None = None) -> dict[str, str]:
        self._check_open()
        return self.catalog.fingerprints(doc_ids)

    def statistics(self, representation: str) -> Statistics:
        self._check_open()
        with self.lock.reading():
            return self.counts.statistics(representation)

    def frequencies(
        self, representation: str, indices: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        self._check_open()
        with self.lock.reading():
            return np.array(self.counts.frequencies(representation, indices.tolist()), np.int64)

    def count(self, filters: Filter | None = None) -> int:
        self._check_open()
        with self.lock.reading():
            return self._sizes()[1] if filters is None else len(self._matching(filters).rows)

    def document_count(self) -> int:
        self._check_open()
        with self.lock.reading():
            return self._sizes()[0]

    def _sizes(self) -> tuple[int, int]:
        """Documents and chunks; SQLite counts by walking through them, so it is asked once."""
        if self._counted is None:
            self._counted = self.catalog.counts()
        return self._counted

    def health(self) -> list[str]:
        """What is wrong with the index, a sentence each; nothing where it is whole."""
        self._check_open()
        rows, points = self.count(), self.engine.count()
        told = f"the catalog has {rows} chunks, the engine {points} vectors: index again"
        return [] if rows == points else [told]
