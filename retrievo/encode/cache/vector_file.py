"""Packed vectors under keys of 16 bytes in one SQLite file that several processes may use at once.

A write-ahead log keeps readers and a writer out of each other's way, and a process that is killed
loses only the batch it was writing. Every vector carries a checksum: one that is not what was
written counts as missing.
"""

import os
import sqlite3
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from retrievo.encode.cache.packing import Entry
from retrievo.own_file import is_ours, mark_ours, told_as_os_error

_APPLICATION = 0x52767663  # "Rvvc": https://www.sqlite.org/pragma.html#pragma_application_id
_VERSION = 1
_PAGE = 16_384
_WAIT_S = 10.0
_NOTED_AT_ONCE = 65_536
_FULLNESS = 0.9
"""How full the file is after the least recently used went: so they go rarely, and many at once."""

_TABLES = """
CREATE TABLE vectors (id INTEGER PRIMARY KEY, tokens_total INTEGER NOT NULL,
    tokens_seen INTEGER NOT NULL, checksum INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE TABLE entries (key BLOB PRIMARY KEY, id INTEGER NOT NULL, used INTEGER NOT NULL)
    WITHOUT ROWID;
"""
_KEYS_A_STATEMENT = 200
"""Half the time of a statement for each key; more at once gain nothing."""


class VectorFile:
    """Entries by key, at most `max_bytes` on the disk; one thread at a time.

    Opened on first use. Raises OSError, also for what SQLite raises; a file of something else is
    left as it is.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._used: set[bytes] = set()
        """Keys that were read and are not noted as used: reading writes nothing."""
        self._finalizer: weakref.finalize[..., VectorFile] | None = None

    def open(self) -> None:
        """Open the file, and make it where there is none; one that is read-only is only read."""
        with told_as_os_error():
            self._opened()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and self._process == os.getpid():
            return self._connection
        self._connection, self._used, self._process = _connect(self.path), set(), os.getpid()
        self._finalizer = weakref.finalize(
            self, _let_go, self._connection, self._used, self._process
        )
        return self._connection

    def close(self) -> None:
        """Note what was used, and let go of the file."""
        if self._finalizer is not None:
            self._finalizer()
        self._connection = self._finalizer = None

    def read(self, keys: Sequence[bytes]) -> list[Entry | None]:
        """The entry of each key, None where there is none."""
        if self._connection is None and not self.path.exists():
            return [None] * len(keys)
        found: dict[bytes, Entry] = {}
        hour = _hour()
        with told_as_os_error(), _transaction(connection := self._opened(), "BEGIN"):
            for at in range(0, len(keys), _KEYS_A_STATEMENT):
                part = keys[at : at + _KEYS_A_STATEMENT]
                rows = connection.execute(_find(len(part)), part)
                for key, vector, total, seen, checksum, used in rows:
                    entry = Entry(vector, total, seen)
                    if entry.is_whole(key, checksum):
                        found[key] = entry
                        if used != hour:
                            self._used.add(key)
        if len(self._used) >= _NOTED_AT_ONCE:
            _note_quietly(connection, self._used)
        return [found.get(key) for key in keys]

    def write(self, entries: Mapping[bytes, Entry]) -> None:
        """Keep the entries, all or none, in the place of those that have their keys."""
        with told_as_os_error(), _transaction(connection := self._opened(), "BEGIN IMMEDIATE"):
            _note(connection, self._used)
            _delete(connection, entries)
            last = connection.execute("SELECT coalesce(max(id), 0) FROM vectors").fetchone()[0]
            connection.executemany(
                "INSERT INTO vectors VALUES (?, ?, ?, ?, ?)",
                (
                    (row, entry.tokens_total, entry.tokens_seen, entry.checksum(key), entry.vector)
                    for row, (key, entry) in enumerate(entries.items(), last + 1)
                ),
            )
            hour = _hour()
            connection.executemany(
                "INSERT INTO entries VALUES (?, ?, ?)",
                ((key, row, hour) for row, key in enumerate(entries, last + 1)),
            )
            shrunk = self._shrink(connection)
        self._used.clear()
        if shrunk:
            with told_as_os_error():
                # `execute` would take one step of it, and each gives back one page.
                connection.executescript("PRAGMA incremental_vacuum")

    def _shrink(self, connection: sqlite3.Connection) -> bool:
        """Whether the file was too large: the least recently used went, of these the oldest."""
        if _bytes(connection) <= self._max_bytes:
            return False
        while _bytes(connection, "freelist_count") < _bytes(connection) - int(
            self._max_bytes * _FULLNESS
        ):
            n = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
            if not n:
                break
            oldest = connection.execute(
                "SELECT key FROM entries ORDER BY used, id LIMIT ?", (-(-n // 10),)
            )
            _delete(connection, [key for (key,) in oldest])
        return True


@cache
def _find(n: int) -> str:
    return (
        "SELECT key, vector, tokens_total, tokens_seen, checksum, used "
        f"FROM entries JOIN vectors USING (id) WHERE key IN ({','.join('?' * n)})"
    )


def _connect(path: Path) -> sqlite3.Connection:
    if path.is_dir():
        raise OSError("it is a folder, a file is wanted")
    exists = path.exists() and path.stat().st_size > 0
    if exists and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        # Nobody writes it then, unless there is a log: a reader needs no files beside it.
        log = path.with_name(f"{path.name}-wal").exists()
        where = f"{path.absolute().as_uri()}?mode=ro{'' if log else '&immutable=1'}"
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        where = path.absolute().as_uri()
    connection = sqlite3.connect(
        where, timeout=_WAIT_S, isolation_level=None, check_same_thread=False, uri=True
    )
    try:
        if not is_ours(connection, _APPLICATION, _VERSION):
            _make(connection)
        # Neither is kept in the file. A power cut may cost the last batches, not the file.
        for pragma in ("synchronous = NORMAL", "cache_size = -16000", "journal_size_limit = 0"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection) -> None:
    for pragma in (f"page_size = {_PAGE}", "auto_vacuum = INCREMENTAL"):
        connection.execute(f"PRAGMA {pragma}")
    _use_log(connection)
    with _transaction(connection, "BEGIN IMMEDIATE"):
        if is_ours(connection, _APPLICATION, _VERSION):
            return  # another process was faster
        for statement in _TABLES.split(";")[:-1]:
            connection.execute(statement)
        mark_ours(connection, _APPLICATION, _VERSION)


def _use_log(connection: sqlite3.Connection) -> None:
    """The change of the journal needs the file alone, and does not wait for it by itself."""
    until = time.monotonic() + _WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _note(connection: sqlite3.Connection, used: Iterable[bytes]) -> None:
    hour = _hour()
    connection.executemany(
        "UPDATE entries SET used = ? WHERE key = ?", ((hour, key) for key in used)
    )


def _note_quietly(connection: sqlite3.Connection, used: set[bytes]) -> None:
    # Where it cannot be noted, read-only files and full disks, only the order of going suffers.
    with suppress(sqlite3.Error), _transaction(connection, "BEGIN IMMEDIATE"):
        _note(connection, used)
    used.clear()


def _delete(connection: sqlite3.Connection, keys: Iterable[bytes]) -> None:
    listed = [(key,) for key in keys]
    connection.executemany(
        "DELETE FROM vectors WHERE id = (SELECT id FROM entries WHERE key = ?)", listed
    )
    connection.executemany("DELETE FROM entries WHERE key = ?", listed)


def _bytes(connection: sqlite3.Connection, pages: str = "page_count") -> int:
    (n,) = connection.execute(f"PRAGMA {pages}").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(n) * int(size)


_of_parents: list[sqlite3.Connection] = []


def _let_go(connection: sqlite3.Connection, used: set[bytes], process: int) -> None:
    if process != os.getpid():
        # After a fork the connection is the parent's; closing it here would undo its locks.
        _of_parents.append(connection)
        return
    if used:
        connection.execute("PRAGMA busy_timeout = 1000")
        _note_quietly(connection, used)
    connection.close()


def _hour() -> int:
    return int(time.time()) // 3_600
