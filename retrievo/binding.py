"""A pipeline's parts and its index brought together: opened once, and compared before use."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.contracts import Store
from retrievo.errors import ConfigError, MismatchError, TenantError
from retrievo.filters import check_tenant
from retrievo.identity import check_pair, passport_of
from retrievo.passport import Passport

OBJECT_PARTS = (
    "chunker",
    "encoder",
    "query_encoder",
    "retrievers",
    "fusion",
    "reranker",
    "expander",
)


class Binding:
    """Opens the store of an assembly, and refuses an index that other parts have made."""

    def __init__(self, assembly: Assembly, config: Config, given: Mapping[str, Any]) -> None:
        self._assembly = assembly
        self._config = config
        self._given = given
        self._opened = "store" in given
        self._checked_for_reading = self._checked_for_searching = False
        self._checked_for_writing = False
        self._turn = threading.RLock()  # searches run in threads; one of them opens the store

    def for_reading(self, tenant: str | None = None) -> Store:
        """The open store. Raises IndexMissingError, IndexLockedError, MismatchError.

        Raises TenantError for a tenant where the store cannot keep tenants apart.
        """
        with self._turn:
            store = self._store(tenant)
            if not self._checked_for_reading:
                stored = self._stored()
                store.open(None)
                # The tables that made the index make the same parts: nothing is built to compare.
                if stored["objects"] or (store.config() or {}) != stored:
                    self._check(store, self._own_passport(), writing=False)
                self._checked_for_reading = True
            return store

    def for_searching(self, tenant: str | None = None) -> Store:
        """The open store, compared with the parts themselves: a search builds them anyway.

        So an encoder that was trained anew under its old name is noticed as well.
        """
        with self._turn:
            store = self.for_reading(tenant)
            if not self._checked_for_searching:
                self._check(store, self._own_passport(), writing=False)
                self._checked_for_searching = True
            return store

    def for_writing(self, tenant: str | None = None) -> Store:
        """The open store, made where there was none. Raises IndexLockedError, MismatchError."""
        with self._turn:
            store = self._store(tenant)
            self._keep_vectors(store)
            if self._checked_for_writing:
                return store
            mine = self._own_passport()
            store.open(mine, self._stored())
            self._check(store, mine, writing=True)
            stored = self._stored()
            if store.config() != stored and not stored["objects"]:
                # Other weights, say: what fits the index replaces what it was opened with before.
                store.stamp(store.passport() or mine, stored)
            self._checked_for_reading = self._checked_for_searching = True
            self._checked_for_writing = True
            return store

    def for_planning(self, tenant: str | None = None) -> Store:
        """The open store, or an empty one in memory: a plan makes no index where there is none."""
        exists = getattr(self._store(tenant), "exists", None)
        if exists is None or exists():
            return self.for_writing(tenant)
        empty: Store = self._assembly.make("store", "memory")
        empty.open(self._own_passport(), {})
        return empty

    def close(self) -> None:
        for name in ("encoder", "query_encoder"):
            encoder = self._assembly.built(name)
            cache: Any = getattr(encoder, "cache", None)
            if hasattr(cache, "beside"):
                cache.close()  # it opens its file again where it is used again
            if name not in self._given and hasattr(encoder, "close"):
                encoder.close()
        if self._opened:
            self._store().close()

    def _keep_vectors(self, store: Store) -> None:
        """Tell the document encoder's cache where the index is, if that is a folder here."""
        path = getattr(store, "path", None)
        beside = getattr(getattr(self._assembly.part("encoder"), "cache", None), "beside", None)
        if isinstance(path, Path) and beside is not None:
            beside(path)

    def _store(self, tenant: str | None = None) -> Store:
        store: Store = self._assembly.part("store")
        self._opened = True
        if tenant is not None:
            check_tenant(tenant)
            if "tenants" not in store.capabilities:
                raise TenantError(
                    f"the store {type(store).__name__} cannot keep tenants apart; use one that can "
                    "(local, memory, qdrant), or a store for each tenant"
                )
        return store

    def _stored(self) -> dict[str, Any]:
        """What an index keeps of the configuration, to be opened with it again."""
        return {"tables": self._config.without_secrets(), "objects": objects_of(self._given)}

    def _own_passport(self) -> Passport:
        part = self._assembly.part
        check_pair(part("encoder"), part("query_encoder"))
        return passport_of(
            part("encoder"), part("chunker"), part("retrievers"), part("query_encoder")
        )

    def _check(self, store: Store, mine: Passport, *, writing: bool) -> None:
        found = store.passport()
        where = str(getattr(store, "path", "in memory"))
        if found is None:
            raise MismatchError(f"the index {where} has no passport; index again into a new folder")
        found.check(mine, where=where, writing=writing)


def objects_of(given: Mapping[str, Any]) -> dict[str, str]:
    """What stands in an index for parts that were objects: enough to name them."""
    return {
        name: f"{type(part).__module__}:{type(part).__qualname__}"
        for name, part in given.items()
        if name in OBJECT_PARTS
    }


def check_objects(made_with: Mapping[str, str], parts: Mapping[str, Any], path: object) -> None:
    for name, what in made_with.items():
        if parts.get(name) is None:
            raise ConfigError(
                f"the index {path} was made with an object as {name} ({what}); "
                f"open it with {name}=..."
            )
