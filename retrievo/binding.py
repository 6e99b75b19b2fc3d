"""A pipeline's parts and its index brought together: opened once, and compared before use."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.contextualize.contextualized import chunker_of
from retrievo.contracts import Encoder, Store
from retrievo.encode.asymmetric import agreement, check_sizes, declared, refusal
from retrievo.encode.deferred import DeferredEncoder
from retrievo.errors import ConfigError, MismatchError, TenantError
from retrievo.filters import check_tenant
from retrievo.identity import passport_of
from retrievo.migrate.place import folder_of
from retrievo.passport import Passport
from retrievo.telling import tell

OBJECT_PARTS = (
    "chunker",
    "contextualizer",
    "encoder",
    "query_encoder",
    "retrievers",
    "fusion",
    "reranker",
    "expander",
)


PAIRS = "query_encoders"
"""The note of a passport that holds what was measured of query encoders, by their fingerprint."""


class Binding:
    """Opens the store of an assembly, and refuses an index that other parts have made.

    `home` is the folder beside which vectors are kept, where that is not the store's own.
    """

    def __init__(
        self,
        assembly: Assembly,
        config: Config,
        given: Mapping[str, Any],
        *,
        home: Path | None = None,
    ) -> None:
        self._home = home
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
                self._defer_encoder(store)
                # The tables that made the index make the same parts: nothing is built to compare.
                if stored["objects"] or (store.config() or {}) != stored:
                    self._check(store, self._own_passport(writing=False), writing=False)
                    self._check_sizes()
                self._checked_for_reading = True
            return store

    def for_searching(self, tenant: str | None = None) -> Store:
        """The open store, compared with the parts themselves: a search builds them anyway.

        So an encoder that was trained anew under its old name is noticed as well. A query encoder
        that does not say that it fits is compared with the document encoder on the index's own
        texts, once: raises MismatchError with what was measured.
        """
        with self._turn:
            store = self.for_reading(tenant)
            if not self._checked_for_searching:
                self._check(store, self._own_passport(writing=False), writing=False)
                self._check_sizes()
                self._checked_for_searching = self._check_pair(store)
            return store

    def for_writing(self, tenant: str | None = None) -> Store:
        """The open store, made where there was none. Raises IndexLockedError, MismatchError."""
        with self._turn:
            store = self._store(tenant)
            self._keep_vectors(store)
            self._keep_contexts(store)
            if self._checked_for_writing:
                return store
            mine = self._own_passport(writing=True)
            exists = getattr(store, "exists", None)
            if exists is not None and exists():
                store.open(None)  # another encoder's index says more than a pair that does not fit
                self._check(store, mine, writing=True)
            self._check_sizes()
            store.open(mine, self._stored())
            self._check(store, mine, writing=True)
            stored, known = self._stored(), store.passport() or mine
            # Other weights, say: what fits the index replaces what it was opened with before.
            other = store.config() != stored and not stored["objects"]
            before = (store.config() or {}).get("tables", {})
            if other and "query_encoder" in before.keys() - stored["tables"].keys():
                tell(
                    f"the index used the query encoder {before['query_encoder'].get('use')}, which "
                    "this configuration does not have: it is left out from now on; add "
                    "[query_encoder] to keep it"
                )
            if other or known.encoder.keys() != mine.encoder.keys():
                # The same encoder, of which an older version has kept less.
                kept = stored if other else store.config() or {}
                store.stamp(replace(known, encoder={**mine.encoder, **known.encoder}), kept)
            self._checked_for_reading = self._checked_for_writing = True
            return store

    def for_planning(self, tenant: str | None = None) -> Store:
        """The open store, or an empty one in memory: a plan makes no index where there is none."""
        exists = getattr(self._store(tenant), "exists", None)
        if exists is None or exists():
            return self.for_writing(tenant)
        self._check_sizes()
        self._keep_contexts(self._store(tenant))
        empty: Store = self._assembly.make("store", "memory")
        empty.open(self._own_passport(writing=True), {})
        return empty

    def close(self) -> None:
        for name in ("encoder", "query_encoder", "contextualizer", "reranker", "expander"):
            part = self._assembly.built(name)  # and no stand-in, which would be built for it
            cache: Any = getattr(part, "cache", None)
            if hasattr(cache, "beside"):
                cache.close()  # it opens its file again where it is used again
            if name not in self._given and hasattr(part, "close"):
                part.close()
        if self._opened:
            self._store().close()

    def _keep_vectors(self, store: Store) -> None:
        """Tell the document encoder's cache where the index is, if that is a folder here."""
        path = self._home or getattr(store, "path", None)
        beside = getattr(getattr(self._assembly.part("encoder"), "cache", None), "beside", None)
        if isinstance(path, Path) and beside is not None:
            beside(path)

    def _keep_contexts(self, store: Store) -> None:
        """The same for what a contextualizer has paid for."""
        path = self._home or getattr(store, "path", None)
        contextualizer = self._assembly.part("contextualizer")
        beside = getattr(getattr(contextualizer, "cache", None), "beside", None)
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

    def _defer_encoder(self, store: Store) -> None:
        """Leave the document encoder unbuilt where queries have another, and it is the same.

        Another is a query encoder, or the one that the index is moving to.
        """
        known = store.passport()
        if known is None or "dense_weight" not in known.encoder:  # an older version's
            return
        tables = (store.config() or {}).get("tables", {})
        asked = self._config.without_secrets()
        moving = folder_of(getattr(store, "path", None)) is not None
        if (
            (moving or "query_encoder" in asked or "query_encoder" in self._given)
            and "encoder" not in self._given
            and tables.get("encoder") == asked.get("encoder")
        ):
            where = str(getattr(store, "path", "in memory"))
            self._assembly.stand_in(
                "encoder", lambda build: DeferredEncoder(known.encoder, build, where)
            )

    def _own_passport(self, *, writing: bool) -> Passport:
        part = self._assembly.part
        encoder = part("encoder")
        if writing and isinstance(encoder, DeferredEncoder):
            encoder = encoder.encoder()
        chunker = chunker_of(part) if writing else None
        return passport_of(encoder, chunker, part("retrievers"), part("query_encoder"))

    def _check_sizes(self) -> None:
        """Raise MismatchError for a query encoder that no sample could show to fit."""
        query_encoder = self._assembly.part("query_encoder")
        if query_encoder is not None:
            check_sizes(self._assembly.part("encoder"), query_encoder)

    def _check_pair(self, store: Store) -> bool:
        """Whether it is settled that queries fit documents: not while an index holds no text."""
        encoder: Encoder = self._assembly.part("encoder")
        query_encoder: Encoder | None = self._assembly.part("query_encoder")
        if query_encoder is None or declared(encoder.fingerprint, query_encoder):
            return True
        passport = store.passport()
        assert passport is not None
        known = passport.notes.get(PAIRS, {}).get(query_encoder.fingerprint)
        if known is not None and known["accepted"]:
            return True
        spaces = passport.representations.items()
        name = next((n for n, space in spaces if space.size == encoder.dim), None)
        if name is None:
            why = "the index keeps no vectors of the document encoder alone to compare them with"
            raise refusal(encoder, query_encoder, why)
        found = agreement(store, name, encoder, query_encoder)
        if found is None:
            return False
        if not found.accepted:
            raise refusal(encoder, query_encoder, f"they were compared: {found}")
        pairs = {**passport.notes.get(PAIRS, {}), query_encoder.fingerprint: found.as_dict()}
        noted = replace(passport, notes={**passport.notes, PAIRS: pairs})
        if not getattr(store, "read_only", False):
            store.stamp(noted, store.config() or {})
        return True

    def _check(self, store: Store, mine: Passport, *, writing: bool) -> None:
        found = store.passport()
        where = str(getattr(store, "path", "in memory"))
        if found is None:
            raise MismatchError(f"the index {where} has no passport; index again into a new folder")
        try:
            found.check(mine, where=where, writing=writing)
        except MismatchError as error:
            raise MismatchError(f"{error}{self._hint(store, mine, writing=writing)}") from None

    def _hint(self, store: Store, mine: Passport, *, writing: bool) -> str:
        """What of the configuration may be behind another encoder or chunker than the index's."""
        folder = folder_of(getattr(store, "path", None))
        if folder is not None:
            from retrievo.migrate.record import read_record  # it brings pydantic's models

            if read_record(folder).new.get("fingerprint") == mine.encoder["fingerprint"]:
                return (
                    " (it is moving to this encoder: open it without a configuration until that is "
                    "finished)"
                )
        known = store.passport()
        same = known is not None and known.encoder.get("fingerprint") == mine.encoder["fingerprint"]
        if not same and "encoder" not in self._config.tables and "encoder" not in self._given:
            return (
                " (this configuration has no [encoder]: that is the default one; add the index's)"
            )
        if writing and known is not None and "chunker" not in {*self._config.tables, *self._given}:
            cut = known.chunker
            sizes = [known.chunker.get("chunk_size"), mine.chunker.get("chunk_size")]
            if cut.get("name") == "recursive" and sizes[0] != sizes[1]:
                return (
                    " (this configuration has no [chunker], and the default cuts otherwise now: "
                    f"write use = 'recursive' and chunk_size = {cut['chunk_size']} there to go on "
                    "with this index, or index again into a new folder)"
                )
        return ""


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
