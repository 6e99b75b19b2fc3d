"""The SQLite file of a `local` index: its tables, one connection, transactions."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retrievo.errors import IndexLockedError, StoreError

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tenants (tenant INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE documents (
    doc INTEGER PRIMARY KEY, id TEXT NOT NULL, fingerprint TEXT NOT NULL,
    metadata TEXT NOT NULL, tenant INTEGER NOT NULL, UNIQUE (id, tenant)
);
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY, doc INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    id TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
    token_count INTEGER NOT NULL, text TEXT NOT NULL, context TEXT NOT NULL,
    metadata TEXT, parent_start INTEGER, parent_end INTEGER, tenant INTEGER NOT NULL,
    UNIQUE (id, tenant)
);
CREATE INDEX chunks_of_document ON chunks (doc, ordinal);
CREATE INDEX chunks_of_tenant ON chunks (tenant) WHERE tenant > 0;
CREATE TABLE lengths (
    representation TEXT, row INTEGER, length REAL NOT NULL, PRIMARY KEY (representation, row)
) WITHOUT ROWID;
CREATE TABLE frequencies (
    representation TEXT, term INTEGER, n INTEGER NOT NULL, PRIMARY KEY (representation, term)
) WITHOUT ROWID;
CREATE TABLE totals (
    representation TEXT PRIMARY KEY, n INTEGER NOT NULL, length REAL NOT NULL, fitted_mean REAL
) WITHOUT ROWID;
CREATE INDEX chunks_with_metadata ON chunks (row) WHERE metadata IS NOT NULL;
CREATE TABLE columns (
    key TEXT PRIMARY KEY, digest BLOB NOT NULL, entries TEXT NOT NULL, width INTEGER NOT NULL,
    codes BLOB NOT NULL
);
CREATE TABLE truncated (
    row INTEGER PRIMARY KEY, tokens_seen INTEGER NOT NULL, tokens_total INTEGER NOT NULL
);
CREATE TABLE pending (first INTEGER NOT NULL, past INTEGER NOT NULL);
CREATE TABLE dead (row INTEGER PRIMARY KEY);
"""


def statements(schema: str) -> list[str]:
    """The single statements of a text that has none with a semicolon inside."""
    return [statement.strip() for statement in schema.split(";")[:-1]]


VALUES_A_STATEMENT = 500
"""SQLite takes at most 32,766 values a statement; short statements stay in its cache."""


class Database:
    """One connection that holds the file for itself until `close`.

    With `read_only` it holds and writes nothing, for a file that nobody else writes to. Every
    method may be called from any thread; calls take turns. Errors of SQLite are StoreErrors.
    """

    def __init__(self, path: Path, *, create: bool, read_only: bool = False) -> None:
        self._turn = threading.RLock()
        self._path = path
        if not read_only and path.exists() and not os.access(path.parent, os.W_OK):
            raise StoreError(
                f"the index {path.parent} is in a folder that this user may not write to, which an "
                "open index must; whoever may can make a snapshot (`retrievo snapshot`), which is "
                "only read"
            )
        where = f"{path.absolute().as_uri()}?mode=ro&immutable=1" if read_only else path
        try:
            self._connection = sqlite3.connect(
                where, timeout=0.2, isolation_level=None, check_same_thread=False, uri=read_only
            )
        except sqlite3.Error as error:
            raise StoreError(f"cannot open {path}: {error}") from error
        if read_only:
            return
        try:
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute("BEGIN IMMEDIATE")
            if create:
                for statement in statements(SCHEMA):
                    self._connection.execute(statement)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._connection.close()
            raise self._told(error) from error

    def close(self) -> None:
        with self._turn:
            self._connection.close()

    def copy_to(self, path: Path) -> None:
        """Make a compact copy, whole and on disk, of what is committed."""
        self.all("VACUUM INTO ?", (str(path),))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside."""
        with self._turn:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._told(error) from error

    def rollback(self) -> None:
        """Undo the transaction that an interrupt has left open, if there is one."""
        with self._turn:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._turn:
            try:
                return self._connection.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise self._told(error) from error

    def among(
        self, sql: str, values: Sequence[Any], before: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        """What the statement, which ends in IN, finds for any number of values."""
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(values), VALUES_A_STATEMENT):
            part = values[start : start + VALUES_A_STATEMENT]
            found += self.all(f"{sql} ({','.join('?' * len(part))})", (*before, *part))
        return found

    def each(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run the statement for each tuple of values, inside a transaction."""
        self._connection.executemany(sql, values)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run the statement, inside a transaction."""
        self._connection.execute(sql, values)

    def _told(self, error: sqlite3.Error) -> StoreError:
        text = str(error)
        if "locked" in text:
            return IndexLockedError(str(self._path))
        if isinstance(error, sqlite3.ProgrammingError):
            return StoreError(f"{self._path} is closed; open the index again")
        if "UNIQUE constraint failed: chunks.id" in text:
            return StoreError(
                "a chunk has the id of another document's chunk; a chunker must make ids of "
                "document id, span and text, or leave them out"
            )
        if "malformed" in text or "not a database" in text:
            return StoreError(
                f"{self._path} is damaged ({text}); restore it from a copy, "
                "or index into a new folder"
            )
        return StoreError(f"{self._path}: {text}")
