"""From settings to an open index: the connection, the collection, and what works on it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from qdrant_client import QdrantClient, models

from retrievo.errors import ConfigError
from retrievo.passport import Passport
from retrievo.store.qdrant.collection import (
    Layout,
    check_version,
    index_payload,
    make_collection,
    missing,
    read_meta,
)
from retrievo.store.qdrant.connecting import MEMORY, connect, in_process
from retrievo.store.qdrant.counting import Counts
from retrievo.store.qdrant.index import Index
from retrievo.store.qdrant.searching import Searches
from retrievo.store.qdrant.sending import Refused, Server
from retrievo.store.qdrant.writing import Writes
from retrievo.telling import tell

Alone = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a store was told; the key and the client are nobody else's business."""

    collection: str
    where: str
    url: str
    timeout_s: int
    retries: int
    prefer_grpc: bool
    grpc_port: int
    layout: Layout
    params: models.SearchParams
    exact_idf: bool
    batch_bytes: int
    remember_s: float
    api_key: str | None = field(repr=False)
    client: QdrantClient | None = field(repr=False)

    def __post_init__(self) -> None:
        least = min(self.timeout_s, self.batch_bytes, self.retries + 1, self.remember_s + 1)
        if not self.collection or least < 1:
            raise ConfigError(
                "qdrant wants the name of a collection, timeout_s and batch_bytes of 1 or more, "
                "retries and remember_s of 0 or more"
            )

    @property
    def inside(self) -> bool:
        """Whether there is no server: qdrant-client imitates one, exactly, in this process."""
        return self.url == MEMORY if self.client is None else in_process(self.client)

    @property
    def capabilities(self) -> frozenset[str]:
        can = {"dense", "sparse", "multi", "filter", "tenants", "idf", "together"}
        if not self.inside and not self.params.exact:
            can.add("approximate")
        if not self.inside or self.client is not None:
            can.add("persistent")
        return frozenset(can)


@contextmanager
def connected(settings: Settings, *, keep: bool = False) -> Iterator[Server]:
    """A server to ask; closed afterwards, unless it is to be kept and nothing was raised."""
    client = settings.client or connect(
        settings.url,
        settings.api_key,
        timeout_s=settings.timeout_s,
        prefer_grpc=settings.prefer_grpc,
        grpc_port=settings.grpc_port,
    )
    server = Server(
        client,
        settings.collection,
        settings.where,
        retries=settings.retries,
        timeout_s=settings.timeout_s,
    )
    done = False
    try:
        yield server
        done = keep
    finally:
        if not done and settings.client is None:
            client.close()


def exists(settings: Settings) -> bool:
    """Whether the server has the index; nothing is asked of a store in memory."""
    if settings.client is None and settings.inside:
        return False
    with connected(settings) as server:
        return read_meta(server) is not None


def open_index(
    settings: Settings, passport: Passport | None, config: Mapping[str, Any], alone: Alone
) -> Index:
    """The index that is there, or a new one for the passport.

    Raises IndexMissingError where there is none and no passport is given, StoreError where the
    collection is not one of Retrievo's or the server cannot be asked.
    """
    with connected(settings, keep=True) as server:
        if not settings.inside:
            check_version(server, exact_idf=settings.exact_idf)
        meta = read_meta(server)
        made = meta is None
        if meta is None:
            if passport is None:
                raise missing(server)
            make_collection(server, passport, config, settings.layout)
            meta = read_meta(server)
            if meta is None:
                raise missing(server)
        spaces = dict(meta.passport.representations)
        if not settings.inside:
            index_payload(server, spaces, settings.layout, wait=made)
        searches = Searches(
            server,
            spaces,
            approximate="approximate" in settings.capabilities,
            params=None if settings.inside else settings.params,
            exact_idf=settings.exact_idf,
        )
        counts = Counts(server, spaces, searches, settings.remember_s)
        writes = Writes(server, spaces, settings.batch_bytes, alone)
        try:
            writes.finish_all()
        except Refused:
            tell(
                f"the index {settings.collection!r} at {settings.where} holds a write that was "
                "broken off; this key may not finish it: open the index with one that may write"
            )
    return Index(server, meta, searches, counts, writes)
