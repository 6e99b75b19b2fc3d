"""An open index: what its metadata say, kept in step with the server, and what works on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retrievo.contracts import Batch, Space, Statistics
from retrievo.errors import StoreError
from retrievo.passport import Passport
from retrievo.store.qdrant.collection import (
    Meta,
    read_meta,
    set_first_fitted,
    set_fitted,
    set_tenanted,
    stamp_collection,
)
from retrievo.store.qdrant.counting import Counts
from retrievo.store.qdrant.searching import Searches
from retrievo.store.qdrant.sending import Server
from retrievo.store.qdrant.writing import Writes
from retrievo.types import Representation, Rows


@dataclass(slots=True)
class Index:
    """What an open store works with. What it remembers, the server was told before."""

    server: Server
    meta: Meta
    searches: Searches
    counts: Counts
    writes: Writes

    @property
    def spaces(self) -> Mapping[str, Space]:
        return self.meta.passport.representations

    def space(self, name: str, kind: str | None = None) -> Space:
        """The space of a representation; StoreError where there is none, or none of the kind."""
        space = self.spaces.get(name)
        where = f"the index {self.server.collection!r} at {self.server.where}"
        if space is None:
            has = sorted(self.spaces)
            raise StoreError(f"{where} has no representation {name!r}; it has {has}")
        if kind not in (None, space.kind):
            raise StoreError(f"{where}: {name!r} is {space.kind}, a {kind} one is wanted")
        return space

    def tenanted(self) -> bool | None:
        if self.meta.tenanted is None:
            # Another process may have written the first document since.
            self.meta = read_meta(self.server) or self.meta
        return self.meta.tenanted

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        stamp_collection(self.server, passport, config)
        self.meta.passport, self.meta.config = passport, dict(config)

    def write(self, batch: Batch) -> None:
        if batch.items and self.meta.tenanted is None:
            # The server's word first: were it believed here alone, the next write would go ahead,
            # and other processes would show its documents to everybody.
            set_tenanted(self.server, batch.tenant is not None)
            self.meta.tenanted = batch.tenant is not None
        set_first_fitted(self.server, self.meta, batch.representations)
        self.writes.write(batch)

    def replace(
        self, name: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        self.writes.replace(name, rows, values)
        set_fitted(self.server, self.meta, name, fitted_mean)

    def statistics(self, name: str) -> Statistics:
        self.space(name)
        meta = self.counts.remembered("meta", lambda: read_meta(self.server)) or self.meta
        return self.counts.statistics(name, meta.fitted.get(name))
