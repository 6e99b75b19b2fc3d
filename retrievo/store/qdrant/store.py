"""The store on a Qdrant server, a cluster or Qdrant Cloud, through qdrant-client."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from qdrant_client import QdrantClient, models

from retrievo.contracts import Batch, Statistics, StoreStats
from retrievo.errors import StoreError
from retrievo.filters import Filter, check_scope, check_tenant, unscoped
from retrievo.passport import Passport
from retrievo.store.locking import ReadWriteLock
from retrievo.store.qdrant.batches import check_batch
from retrievo.store.qdrant.collection import Indexed, Layout, Quantization, indexed_keys
from retrievo.store.qdrant.connecting import named
from retrievo.store.qdrant.index import Index
from retrievo.store.qdrant.matching import matching
from retrievo.store.qdrant.opening import Settings, exists, open_index
from retrievo.store.qdrant.points import CHUNK_KEYS, DOC, STATE, TENANT, chunk_of
from retrievo.store.qdrant.reading import (
    fingerprints_of,
    payloads,
    rows_of_chunks,
    rows_of_documents,
    scanned,
    stored,
)
from retrievo.store.qdrant.sizes import stats_of
from retrievo.types import Candidates, Chunk, Representation, Rows, Scores

KEY = "QDRANT_API_KEY"


class QdrantStore:
    """An index in the collection `collection` of the Qdrant server at `url`.

    `api_key` is QDRANT_API_KEY of the environment unless given. A request may take `timeout_s`
    seconds, and is tried `retries` times more where the server is busy or out of reach.
    `prefer_grpc` sends requests by gRPC, to `grpc_port`. A new collection gets `shards`, `replicas`
    and `write_consistency` (how many replicas must have a write), its vectors `on_disk` and its
    payload `payload_on_disk`, codes as `quantization` says beside the full vectors, and a graph of
    `hnsw_m` links a vector, built with `hnsw_ef_construct`; without a value the server decides.
    Metadata keys in `indexed` get payload indexes: a list for equality, or a table that says
    "keyword", "number" or "date" of each. A search looks at `hnsw_ef` candidates, and with `exact`
    at all vectors; `exact_idf` counts visible chunks for the idf, where the server's own index may
    hold deleted ones. Writes are cut into requests of about `batch_bytes`. Counts are believed for
    `remember_s` seconds where others write too. `client` is a ready QdrantClient, in Python only.
    """

    def __init__(
        self,
        collection: str,
        *,
        url: str = "http://localhost:6333",
        api_key: str | None = None,
        timeout_s: int = 30,
        retries: int = 4,
        prefer_grpc: bool = False,
        grpc_port: int = 6334,
        shards: int | None = None,
        replicas: int | None = None,
        write_consistency: int | None = None,
        on_disk: bool = False,
        payload_on_disk: bool = True,
        quantization: Quantization = "none",
        hnsw_m: int | None = None,
        hnsw_ef_construct: int | None = None,
        indexed: Sequence[str] | Mapping[str, Indexed] = (),
        hnsw_ef: int | None = None,
        exact: bool = False,
        exact_idf: bool = False,
        batch_bytes: int = 8_000_000,
        remember_s: float = 5.0,
        client: QdrantClient | None = None,
    ) -> None:
        self._settings = Settings(
            collection=collection, where=named(url) if client is None else "the given client",
            url=url, timeout_s=timeout_s, retries=retries, prefer_grpc=prefer_grpc,
            grpc_port=grpc_port, params=models.SearchParams(hnsw_ef=hnsw_ef, exact=exact),
            exact_idf=exact_idf, batch_bytes=batch_bytes, remember_s=remember_s,
            api_key=api_key or os.environ.get(KEY) or None, client=client,
            layout=Layout(
                shards=shards, replicas=replicas, write_consistency=write_consistency,
                on_disk=on_disk, payload_on_disk=payload_on_disk, quantization=quantization,
                hnsw_m=hnsw_m, hnsw_ef_construct=hnsw_ef_construct, indexed=indexed_keys(indexed),
            ),
        )  # fmt: skip
        self.capabilities = self._settings.capabilities
        self.lock = ReadWriteLock()
        self._writer = threading.RLock()
        self._index: Index | None = None

    @property
    def path(self) -> str:
        """What messages call the index."""
        return f"{self._settings.collection!r} at {self._settings.where}"

    def __repr__(self) -> str:
        return f"<QdrantStore {self.path}>"

    # opening and closing

    def exists(self) -> bool:
        """Whether the server has the index."""
        return self._index is not None or exists(self._settings)

    def open(self, passport: Passport | None, config: Mapping[str, Any] | None = None) -> None:
        with self._writer:
            if self._index is None:
                self._index = open_index(self._settings, passport, config or {}, self.lock.writing)

    def close(self) -> None:
        with self._writer:
            index, self._index = self._index, None
            if index is not None and self._settings.client is None:
                index.server.client.close()

    def _opened(self) -> Index:
        index = self._index
        if index is None:
            raise StoreError(f"the index {self.path} is closed; open it first")
        return index

    @contextmanager
    def _reading(self) -> Iterator[Index]:
        index = self._opened()
        with self.lock.reading():
            yield index

    def reading(self) -> AbstractContextManager[None]:
        """Keeps this store's own commits out; other processes cannot be kept from writing."""
        self._opened()
        return self.lock.reading()

    # what it is

    def passport(self) -> Passport | None:
        return self._opened().meta.passport

    def config(self) -> dict[str, Any] | None:
        return self._opened().meta.config

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        index = self._opened()
        with self._writer:
            index.stamp(passport, config)

    def tenanted(self) -> bool | None:
        return self._opened().tenanted()

    def _scope(self, tenant: str | None) -> str | None:
        found = self.tenanted()
        check_scope(found, None if tenant is None else check_tenant(tenant), self.path)
        return tenant

    # writing

    @contextmanager
    def _writing(self) -> Iterator[Index]:
        """One writer of this store at a time; nothing remembered is believed afterwards."""
        index = self._opened()
        with self._writer:
            try:
                if self._settings.inside:
                    # The imitation of a server is not made for threads.
                    with self.lock.writing():
                        yield index
                else:
                    yield index
            finally:
                index.counts.forget()

    def write(self, batch: Batch) -> None:
        with self._writing() as index:
            self._scope(batch.tenant)
            check_batch(batch, index.spaces)
            index.write(batch)

    def delete(self, doc_ids: Sequence[str], tenant: str | None = None) -> int:
        with self._writing() as index:
            return index.writes.delete(doc_ids, self._scope(tenant))

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        with self._writing() as index:
            index.space(representation)
            payloads(index.server, rows, [STATE])  # raises for a row that is not there
            index.replace(representation, rows, values, fitted_mean)

    def settle(self) -> None:
        """Finishes what other writers have left; the server compacts by itself."""
        with self._writing() as index:
            index.writes.finish_all()

    # searching

    def search(
        self,
        representation: str,
        queries: Representation,
        depth: int,
        filters: Filter | None = None,
    ) -> list[Candidates]:
        return self.search_together([(representation, queries, depth)], filters)[0]

    def search_together(
        self,
        asked: Sequence[tuple[str, Representation, int]],
        filters: Filter | None = None,
    ) -> list[list[Candidates]]:
        """What `search` gives for each (representation, queries, depth), from one request."""
        index = self._opened()
        for name, _, _ in asked:
            index.space(name)
        tenant, wanted = unscoped(filters)
        self._scope(tenant)
        with self.lock.reading():
            return index.searches.run(asked, matching(index.server, wanted, tenant))

    def score(self, representation: str, queries: Representation, rows: Rows) -> list[Scores]:
        with self._reading() as index:
            index.space(representation)
            return index.searches.scores(representation, queries, rows)

    def count(self, filters: Filter | None = None) -> int:
        with self._reading() as index:
            if filters is None:
                return index.counts.chunks()
            tenant, wanted = unscoped(filters)
            where = matching(index.server, wanted, self._scope(tenant))
            return 0 if where is None else index.counts.count(where)

    # looking up

    def get(self, rows: Rows) -> list[Chunk]:
        with self._reading() as index:
            return [chunk_of(one) for one in payloads(index.server, rows, CHUNK_KEYS)]

    def rows(self, chunk_ids: Sequence[str], tenant: str | None = None) -> Rows:
        with self._reading() as index:
            return rows_of_chunks(index.server, chunk_ids, self._scope(tenant))

    def document_rows(self, doc_ids: Sequence[str], tenant: str | None = None) -> list[Rows]:
        with self._reading() as index:
            return rows_of_documents(index.server, doc_ids, self._scope(tenant))

    def document_numbers(self, rows: Rows) -> Rows:
        with self._reading() as index:
            found = payloads(index.server, rows, [STATE, DOC])
        return np.array([payload[DOC] for payload in found], np.int64)

    def tenants(self, rows: Rows) -> list[str | None]:
        with self._reading() as index:
            return [one.get(TENANT) for one in payloads(index.server, rows, [STATE, TENANT])]

    def fingerprints(
        self, doc_ids: Sequence[str] | None = None, tenant: str | None = None
    ) -> dict[str, str]:
        with self._reading() as index:
            return fingerprints_of(index.server, doc_ids, self._scope(tenant))

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        yield from scanned(self._opened().server, size)

    def vectors(self, representation: str, rows: Rows) -> Representation:
        with self._reading() as index:
            return stored(index.server, representation, index.space(representation), rows)

    def document_count(self) -> int:
        return self._opened().counts.documents()

    def statistics(self, representation: str) -> Statistics:
        with self._reading() as index:
            return index.statistics(representation)

    def frequencies(
        self, representation: str, indices: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        with self._reading() as index:
            index.space(representation, "sparse")
            return index.counts.frequencies(representation, indices)

    def stats(self) -> StoreStats:
        with self._reading() as index:
            return stats_of(index.server, dict(index.spaces), index.counts)
