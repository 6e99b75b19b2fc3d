"""The embedded store: Qdrant Edge holds the vectors, SQLite everything else, in one folder."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Batch, Statistics
from retrievo.errors import IndexMissingError, StoreError
from retrievo.filters import Filter
from retrievo.passport import Passport
from retrievo.store.engine import only
from retrievo.store.folder import CATALOG, make_index
from retrievo.store.kept_columns import KeptColumns
from retrievo.store.locking import ReadWriteLock
from retrievo.store.matching import MatchingRows
from retrievo.store.narrowing import search_among
from retrievo.store.opened import OpenIndex
from retrievo.store.writing import write_batch
from retrievo.types import Candidates, Chunk, Representation, Rows, Scores


class LocalStore:
    """An index in the folder `path`, held by one process at a time.

    Rows become visible when SQLite commits, after the engine has flushed them; what a killed
    process left behind in the engine is removed when the index is opened again.
    """

    capabilities = frozenset({"dense", "sparse", "filter", "tenants", "persistent"})

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.lock = ReadWriteLock()
        self._index: OpenIndex | None = None
        self._matching: MatchingRows
        self._counted: tuple[int, int] | None = None

    # opening and closing

    def exists(self) -> bool:
        """Whether there is an index in the folder."""
        return (self.path / CATALOG).exists()

    def open(self, passport: Passport | None, config: Mapping[str, Any] | None = None) -> None:
        if self._index is not None:
            return
        create = not self.exists()
        if create and passport is None:
            raise IndexMissingError(
                f"there is no index at {self.path}; make one with `retrievo index PATH "
                f"--index {self.path}` or pipeline.index(...)"
            )
        if create and passport is not None:
            make_index(self.path, passport, config or {})
        self._index = OpenIndex(self.path)
        kept = KeptColumns(self._index.database)
        self._matching = MatchingRows(self._index.catalog, kept, self.path)
        self._counted = None

    def close(self) -> None:
        if self._index is None or not self._index.is_mine():
            return
        with self.lock.writing():
            index, self._index = self._index, None
            if index is not None:
                with suppress(StoreError):  # what cannot be kept is read again when asked for
                    self._matching.keep()
                index.close()

    def _opened(self) -> OpenIndex:
        """The open index. Raises StoreError after `close`, and in a forked process."""
        if self._index is None:
            raise StoreError(f"the index {self.path} is closed; open it again")
        self._index.check_process()
        return self._index

    def reading(self) -> AbstractContextManager[None]:
        return self.lock.reading()

    # what it is

    def passport(self) -> Passport | None:
        return self._opened().passport

    def config(self) -> dict[str, Any] | None:
        return self._opened().config()

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        with self.lock.writing():
            self._opened().stamp(passport, config)

    def health(self) -> list[str]:
        """What is wrong with the index, a sentence each; nothing where it is whole."""
        with self.lock.reading():
            return self._opened().health()

    # writing

    def write(self, batch: Batch) -> None:
        with self._writing() as index:
            self._matching.check(batch.tenant)
            self._matching.prepare()
            gone, rows = write_batch(index.catalog, index.counts, index.engine, batch)
            self._matching.changed(gone, rows, batch)

    def delete(self, doc_ids: Sequence[str], tenant: str | None = None) -> int:
        with self._writing() as index:
            here = list(self.fingerprints(list(doc_ids), tenant))
            nothing = Batch([], [], {}, np.empty(0, np.int64), tenant)
            self._matching.prepare()
            gone, rows = write_batch(
                index.catalog, index.counts, index.engine, nothing, remove=here
            )
            self._matching.changed(gone, rows, nothing)
        return len(here)

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        with self._writing() as index:
            index.engine.replace(representation, rows, values)
            index.engine.flush()
            if fitted_mean is not None:
                with index.catalog.transaction():
                    index.counts.set_fitted(representation, fitted_mean)

    def settle(self) -> None:
        with self.lock.writing():
            self._opened().engine.settle()
            self._matching.keep()

    @contextmanager
    def _writing(self) -> Iterator[OpenIndex]:
        """Alone; nothing remembered is believed afterwards, and nothing half done stays behind.

        What an error or an interrupt left in the engine would be found by the next search. Where
        not even taking it out succeeds, the index closes: opening it again does it.
        """
        self._opened()
        with self.lock.writing():
            index = self._opened()
            try:
                yield index
            except BaseException:
                self._matching.forget()
                try:
                    index.recover()
                except StoreError:
                    self.close()
                raise
            finally:
                self._counted = None
                index.counts.forget()

    # searching

    def search(
        self,
        representation: str,
        queries: Representation,
        depth: int,
        filters: Filter | None = None,
    ) -> list[Candidates]:
        with self.lock.reading():
            engine = self._opened().engine
            among = self._matching.of(filters)
            return [
                search_among(engine, representation, queries[i], depth, among)
                for i in range(len(queries))
            ]

    def score(self, representation: str, queries: Representation, rows: Rows) -> list[Scores]:
        with self.lock.reading():
            engine = self._opened().engine
            condition = only(rows)
            given = []
            for i in range(len(queries)):
                found, scores = engine.search(representation, queries[i], len(rows), condition)
                known = dict(zip(found.tolist(), scores.tolist(), strict=True))
                given.append(np.array([known.get(row, 0.0) for row in rows.tolist()], np.float32))
            return given

    def count(self, filters: Filter | None = None) -> int:
        with self.lock.reading():
            if filters is None:
                return self._sizes()[1]
            among = self._matching.of(filters)
            return self._sizes()[1] if among is None else len(among.rows)

    # looking up

    def get(self, rows: Rows) -> list[Chunk]:
        found = self._opened().catalog.chunks(rows)
        try:
            return [found[row] for row in rows.tolist()]
        except KeyError as missing:
            raise StoreError(f"the index {self.path} has no row {missing.args[0]}") from None

    def rows(self, chunk_ids: Sequence[str], tenant: str | None = None) -> Rows:
        number = self._number(tenant)
        found = self._opened().catalog.rows_of_chunks(chunk_ids, number)
        return np.array([found.get(name, -1) for name in chunk_ids], np.int64)

    def document_rows(self, doc_ids: Sequence[str], tenant: str | None = None) -> list[Rows]:
        number = self._number(tenant)
        found = self._opened().catalog.rows_of_documents(doc_ids, number)
        return [np.array(found.get(name, []), np.int64) for name in doc_ids]

    def fingerprints(
        self, doc_ids: Sequence[str] | None = None, tenant: str | None = None
    ) -> dict[str, str]:
        number = self._number(tenant)
        return self._opened().catalog.fingerprints(doc_ids, number)

    def _number(self, tenant: str | None) -> int:
        index = self._opened()
        self._matching.check(tenant)
        return index.catalog.tenant_number(tenant)

    def document_numbers(self, rows: Rows) -> Rows:
        found = self._opened().catalog.document_numbers(rows)
        return np.array([found[row] for row in rows.tolist()], np.int64)

    def tenants(self, rows: Rows) -> list[str | None]:
        found = self._opened().catalog.tenants(rows)
        return [found[row] for row in rows.tolist()]

    def tenanted(self) -> bool | None:
        self._opened()
        return self._matching.tenanted()

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        rows = self._opened().catalog.all_rows()
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    def vectors(self, representation: str, rows: Rows) -> Representation:
        with self.lock.reading():
            return self._opened().engine.fetch(representation, rows)

    def statistics(self, representation: str) -> Statistics:
        # Without the lock: an ingest asks while it writes, and either answer is true.
        return self._opened().counts.statistics(representation)

    def frequencies(
        self, representation: str, indices: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        found = self._opened().counts.frequencies(representation, indices.tolist())
        return np.array(found, np.int64)

    def document_count(self) -> int:
        with self.lock.reading():
            return self._sizes()[0]

    def _sizes(self) -> tuple[int, int]:
        """Documents and chunks; SQLite counts by walking through them, so it is asked once."""
        index = self._opened()
        if self._counted is None:
            self._counted = index.catalog.counts()
        return self._counted
