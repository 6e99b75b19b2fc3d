"""An index that is open: its catalog, its engine, and what a killed process left to clean up."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrievo.errors import IndexLockedError, StoreError
from retrievo.passport import Passport
from retrievo.store.local.catalog import Catalog
from retrievo.store.local.counts import TermCounts
from retrievo.store.local.database import Database
from retrievo.store.local.engine import Engine
from retrievo.store.local.folder import CATALOG, VECTORS, held_by, hold, meta_of, release
from retrievo.store.local.formats import bring_up_to_date
from retrievo.store.local.kept_columns import KeptColumns
from retrievo.store.local.lookups import Lookups
from retrievo.store.local.matching import MatchingRows
from retrievo.store.local.snapshots import PrivateVectors, is_snapshot


class OpenIndex:
    """The parts of one index, from the moment they are loaded until `close`.

    Raises IndexLockedError, which names the holder, where another process has it. A snapshot is
    opened without any lock, and only read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.process = os.getpid()
        self.read_only = is_snapshot(path)
        self._private: PrivateVectors | None = None
        try:
            self.database = Database(path / CATALOG, create=False, read_only=self.read_only)
        except IndexLockedError:
            raise IndexLockedError(held_by(path)) from None
        try:
            if not self.read_only:
                bring_up_to_date(self.database, path)
            self.catalog = Catalog(self.database)
            self.lookups = Lookups(self.database, self.catalog)
            self.counts = TermCounts(self.database)
            self.matching = MatchingRows(
                self.catalog, self.lookups, KeptColumns(self.database), path
            )
            self.passport = Passport.from_json(self.catalog.meta("passport") or "{}")
            vectors = path / VECTORS
            if self.read_only:
                self._private = PrivateVectors(vectors)
                vectors = self._private.path
            self.engine = Engine(vectors, self.passport.representations)
            if not self.read_only:
                self.recover()
        except BaseException:
            self._let_go()
            raise
        if not self.read_only:
            hold(path)

    def _let_go(self) -> None:
        self.database.close()
        if self._private is not None:
            self._private.remove()

    def recover(self) -> None:
        """Remove from the engine what a killed process had not committed, or had deleted."""
        # Where an interrupt left a transaction open, nothing of it may be taken for committed.
        self.database.rollback()
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

    def config(self) -> dict[str, Any] | None:
        text = self.catalog.meta("config")
        return json.loads(text) if text else None

    def stamp(self, passport: Passport, config: Mapping[str, Any]) -> None:
        with self.catalog.transaction():
            self.catalog.set_meta(meta_of(passport, config))
        self.passport = passport

    def health(self) -> list[str]:
        """What is wrong with the index, a sentence each; nothing where it is whole."""
        rows, points = self.lookups.counts()[1], self.engine.count()
        told = f"the catalog has {rows} chunks, the engine {points} vectors: index again"
        return [] if rows == points else [told]

    def forget(self) -> None:
        """Drop the counts that are remembered: something was written."""
        self.counts.forget()
        self.lookups.forget()

    def is_mine(self) -> bool:
        """Whether this is the process that opened it."""
        return os.getpid() == self.process

    def check_process(self) -> None:
        """Raise StoreError in a process that was forked from the one that opened the index."""
        if not self.is_mine():
            raise StoreError(
                f"the index {self.path} was opened in process {self.process}, from which this one "
                "was forked; open it after the fork"
            )

    def close(self) -> None:
        try:
            if not self.read_only:
                self.matching.keep()
        except StoreError:
            pass  # what cannot be kept is read again when it is asked for
        finally:
            self._close()

    def _close(self) -> None:
        try:
            self.engine.close()
        finally:
            try:
                if not self.read_only:
                    release(self.path)
            finally:
                self._let_go()
