"""Answers that were paid for, in one SQLite file by what they were asked with.

Each is written as it comes, so that a run that is killed pays for none of them twice. Several
processes may use the file at once.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from retrievo.errors import ConfigError
from retrievo.own_file import is_ours, mark_ours, told_as_os_error
from retrievo.telling import tell

_APPLICATION = 0x52766274  # "Rvbt": https://www.sqlite.org/pragma.html#pragma_application_id
_VERSION = 1
_WAIT_S = 10.0
_AT_ONCE = 200
_TABLE = "CREATE TABLE blurbs (key BLOB PRIMARY KEY, blurb TEXT NOT NULL) WITHOUT ROWID"
_of_parents: list[sqlite3.Connection] = []


class AnswerFile:
    """What a contextualizer's argument `cache` stands for; `what` is kept, for messages.

    "auto" keeps blurbs beside the index, `DIR.blurbs.sqlite`, from when a pipeline says where that
    is; a path in that file; "off" and None nowhere. Raises ConfigError where a path that was named
    cannot be used; what goes wrong later is told once, and nothing is kept from then on.
    """

    def __init__(self, setting: str | Path | None, *, what: str = "blurbs") -> None:
        self._what = what
        word = isinstance(setting, str) and not any(mark in setting for mark in "./\\")
        if word and setting not in ("auto", "off"):
            raise ConfigError(
                f"cache is {setting!r}; 'auto', 'off' or the path of a file is wanted, such as "
                "'./blurbs.sqlite'"
            )
        self._auto = setting == "auto"
        self.path: Path | None = None
        """The file; None where nothing is kept."""
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._turn = threading.Lock()
        if setting not in ("auto", "off", None):
            self.path = Path(setting).expanduser()
            try:
                with told_as_os_error():
                    self._open()
            except OSError as error:
                raise ConfigError(
                    f"the file of {what} {self.path} cannot be used: {error}; name another, or "
                    "set cache = 'off'"
                ) from error

    def beside(self, index: str | Path) -> None:
        """With "auto": keep blurbs beside this folder of an index from now on."""
        folder = Path(index).resolve()
        path = folder.with_name(f"{folder.name}.blurbs.sqlite") if folder.name else None
        with self._turn:
            if self._auto and path != self.path:
                self._close()
                self.path = path

    def read(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """The blurbs of those keys that have one."""
        found: dict[bytes, str] = {}
        with self._turn, self._guarded():
            if self.path is None or (self._connection is None and not self.path.exists()):
                return {}
            connection = self._open()
            for at in range(0, len(keys), _AT_ONCE):
                part = keys[at : at + _AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = connection.execute(
                    f"SELECT key, blurb FROM blurbs WHERE key IN ({marks})", part
                )
                found |= {key: blurb for key, blurb in rows if isinstance(blurb, str) and blurb}
        return found

    def write(self, key: bytes, blurb: str) -> None:
        """Keep a blurb, at once."""
        with self._turn, self._guarded():
            if self.path is not None:
                self._open().execute("INSERT OR REPLACE INTO blurbs VALUES (?, ?)", (key, blurb))

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        with self._turn:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            if self._process == os.getpid():
                self._connection.close()
            else:
                # After a fork it is the parent's; closing it here would undo its locks.
                _of_parents.append(self._connection)
        self._connection = None

    def _open(self) -> sqlite3.Connection:
        assert self.path is not None
        if self._connection is None or self._process != os.getpid():
            self._close()
            self._connection, self._process = _connect(self.path), os.getpid()
        return self._connection

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with told_as_os_error():
                yield
        except OSError as error:
            tell(
                f"the file of {self._what} {self.path} cannot be used: {error}; what comes from "
                "now on is not kept, and would be paid for again",
                stacklevel=5,
            )
            self._close()
            self.path, self._auto = None, False


def _connect(path: Path) -> sqlite3.Connection:
    if path.is_dir():
        raise OSError("it is a folder, a file is wanted")
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
    )
    try:
        if not is_ours(connection, _APPLICATION, _VERSION):
            connection.execute("BEGIN IMMEDIATE")
            if not is_ours(connection, _APPLICATION, _VERSION):  # no other process was faster
                connection.execute(_TABLE)
                mark_ours(connection, _APPLICATION, _VERSION)
            connection.execute("COMMIT")
        # A power cut may cost the last blurbs, not the file.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection
