"""The embedded store: Qdrant Edge holds the vectors, SQLite everything else, in one folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Batch, Statistics, StoreStats
from retrievo.errors import StoreError
from retrievo.filters import Filter
from retrievo.passport import Passport
from retrievo.store.local import exchange, maintenance
from retrievo.store.local.folder import CATALOG, make_index
from retrievo.store.local.maintenance import Compression, check_compression, set_compression
from retrievo.store.local.narrowing import scores_of, search_among
from retrievo.store.local.opened import OpenIndex
from retrievo.store.local.snapshots import make_snapshot, refusal
from retrievo.store.local.space import batch_bytes, check_space
from retrievo.store.local.writing import replace_values, write_batch
from retrievo.store.locking import ReadWriteLock
from retrievo.types import Candidates, Chunk, Representation, Rows, Scores


class LocalStore:
    """An index in the folder `path`, held by one process at a time.

    Rows become visible when SQLite commits, after the engine has flushed them; what a killed
    process left behind in the engine is removed when the index is opened again.

    Above 5,000 vectors a dense search reads codes, and scores the best candidates again with the
    float vectors; `compression` says which codes: "int8" (the default), "int4", "binary", "none",
    or "auto" for the smallest with which recall@10 on the index's own vectors reaches `min_recall`
    (.98). The index remembers both. Above 100,000 vectors, a search walks a graph.
    """

    capabilities = frozenset(
        {"dense", "sparse", "multi", "filter", "tenants", "persistent", "approximate"}
        | {"maintenance", "snapshot"}
    )

    def __init__(
        self,
        path: str | Path,
        *,
        compression: Compression | None = None,
        min_recall: float | None = None,
    ) -> None:
        check_compression(compression, min_recall)
        self._compression = compression, min_recall
        self.path = Path(path)
        self.lock = ReadWriteLock()
        self._index: OpenIndex | None = None

    # opening and closing

    def exists(self) -> bool:
        """Whether there is an index in the folder."""
        try:
            return (self.path / CATALOG).exists()
        except OSError as error:
            raise StoreError(f"cannot look into {self.path}: {error.strerror}") from error

    def open(self, passport: Passport | None, config: Mapping[str, Any] | None = None) -> None:
        with self.lock.writing():
            if self._index is not None:
                return
            if not self.exists():
                make_index(self.path, passport, config or {})
            self._open()

    def _open(self) -> None:
        exchange.complete(self.path)
        index = OpenIndex(self.path)
        try:
            set_compression(index, *self._compression)
        except BaseException:
            index.close()
            raise
        self._index = index

    def exchange(self) -> None:
        """Have the closed index in `migration/index` take this one's place; this is it from now on.

        Whoever is killed meanwhile: the index is the old one or the new one, whole.
        """
        with self.lock.writing():
            index = self._writable()
            exchange.decide(self.path)
            index.close()
            self._index = None
            self._open()

    def close(self) -> None:
        if self._index is None or not self._index.is_mine():
            return
        with self.lock.writing():
            if self._index is not None:
                # Last, so that a close that was interrupted can be done again.
                self._index.close()
                self._index = None

    @property
    def read_only(self) -> bool:
        """Whether it is a snapshot, which nobody writes to."""
        return self._opened().read_only

    def _opened(self) -> OpenIndex:
        """The open index. Raises StoreError after `close`, and in a forked process."""
        if self._index is None:
            raise StoreError(f"the index {self.path} is closed; open it again")
        self._index.check_process()
        return self._index

    def _writable(self) -> OpenIndex:
        """The open index. Raises StoreError for a snapshot as well."""
        index = self._opened()
        if index.read_only:
            raise refusal(self.path)
        return index

    def reading(self) -> AbstractContextManager[None]:
        self._opened()
        return self.lock.reading()

    # what it is

    def passport(self) -> Passport | None:
        return self._opened().passport

    def config(self) -> dict[str, Any] | None:
        return self._opened().config()

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        with self.lock.writing():
            self._writable().stamp(passport, config)

    def health(self) -> list[str]:
        """A sentence for each thing that is wrong with the index."""
        with self.lock.reading():
            return self._opened().health()

    # writing

    def write(self, batch: Batch) -> None:
        with self._writing() as index:
            index.matching.check(batch.tenant)
            self._apply(index, batch)

    def delete(self, doc_ids: Sequence[str], tenant: str | None = None) -> int:
        with self._writing() as index:
            here = list(self.fingerprints(list(doc_ids), tenant))
            self._apply(index, Batch([], [], {}, np.empty(0, np.int64), tenant), here)
        return len(here)

    def _apply(self, index: OpenIndex, batch: Batch, remove: Sequence[str] = ()) -> None:
        if batch.items:
            check_space(self.path, batch_bytes(batch), "this batch")
        index.matching.prepare()
        gone, rows = write_batch(index.catalog, index.counts, index.engine, batch, remove=remove)
        index.matching.changed(gone, rows, batch)

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        with self._writing() as index:
            replace_values(index.catalog, index.counts, index.engine, representation, rows, values)
            if fitted_mean is not None:
                with index.catalog.transaction():
                    index.counts.set_fitted(representation, fitted_mean)

    def settle(self) -> None:
        self._maintain(maintenance.settle)

    def optimize(self) -> None:
        """Bring the index into its fastest form now, whatever it takes."""
        self._maintain(maintenance.optimize)

    def vacuum(self) -> None:
        """Optimize, and give disk space back."""
        self._maintain(maintenance.vacuum)

    def _maintain(self, act: Callable[[OpenIndex], None]) -> None:
        with self.lock.writing():
            index = self._writable()
            act(index)
            index.matching.keep()

    def snapshot(self, path: str | Path) -> None:
        """Write a copy of this moment, read-only and for many processes; writers wait meanwhile.

        Raises StoreError where there is something at the path.
        """
        with self.lock.reading():
            index = self._writable()
            make_snapshot(self.path, Path(path), index.database.copy_to)

    def stats(self) -> StoreStats:
        """Counts, sizes, and how each representation is kept."""
        with self.lock.reading():
            return maintenance.stats(self._opened())

    @contextmanager
    def _writing(self) -> Iterator[OpenIndex]:
        """Alone; nothing remembered is believed afterwards, and nothing half done stays behind.

        What an error or an interrupt left in the engine would be found by the next search. Where
        not even taking it out succeeds, the index closes: opening it again does it.
        """
        self._opened()
        with self.lock.writing():
            index = self._writable()
            # Also before: an interrupt may come between a write and what follows it here.
            index.forget()
            try:
                yield index
            except BaseException:
                index.matching.forget()
                try:
                    index.recover()
                except StoreError:
                    self.close()
                raise
            finally:
                index.forget()

    # searching

    def search(
        self,
        representation: str,
        queries: Representation,
        depth: int,
        filters: Filter | None = None,
    ) -> list[Candidates]:
        with self.lock.reading():
            index = self._opened()
            among = index.matching.of(filters)
            return search_among(index.engine, representation, queries, depth, among)

    def score(self, representation: str, queries: Representation, rows: Rows) -> list[Scores]:
        with self.lock.reading():
            engine = self._opened().engine
            return scores_of(engine, representation, queries, rows)

    def count(self, filters: Filter | None = None) -> int:
        with self.lock.reading():
            index = self._opened()
            among = None if filters is None else index.matching.of(filters)
            return index.lookups.counts()[1] if among is None else len(among.rows)

    def missing_keys(self, filters: Filter) -> Sequence[str]:
        """The metadata keys that the filter compares and that no chunk in its scope has."""
        with self.lock.reading():
            return self._opened().matching.missing_keys(filters)

    def known_keys(self, tenant: str | None = None) -> set[str]:
        """Metadata keys there are, as far as a sample of the documents shows."""
        with self.lock.reading():
            self._number(tenant)
            return self._opened().matching.known_keys(tenant)

    # looking up

    def get(self, rows: Rows) -> list[Chunk]:
        return self._opened().lookups.chunks(rows)

    def rows(self, chunk_ids: Sequence[str], tenant: str | None = None) -> Rows:
        return self._opened().lookups.rows_of_chunks(chunk_ids, self._number(tenant))

    def document_rows(self, doc_ids: Sequence[str], tenant: str | None = None) -> list[Rows]:
        return self._opened().lookups.rows_of_documents(doc_ids, self._number(tenant))

    def fingerprints(
        self, doc_ids: Sequence[str] | None = None, tenant: str | None = None
    ) -> dict[str, str]:
        return self._opened().lookups.fingerprints(doc_ids, self._number(tenant))

    def _number(self, tenant: str | None) -> int:
        index = self._opened()
        index.matching.check(tenant)
        return index.catalog.tenant_number(tenant)

    def document_numbers(self, rows: Rows) -> Rows:
        return self._opened().lookups.document_numbers(rows)

    def tenants(self, rows: Rows) -> list[str | None]:
        return self._opened().lookups.tenants(rows)

    def tenanted(self) -> bool | None:
        return self._opened().matching.tenanted()

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        rows = self._opened().lookups.all_rows()
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
            return self._opened().lookups.counts()[0]
