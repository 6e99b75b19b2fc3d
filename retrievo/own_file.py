"""SQLite files that Retrievo keeps for itself, told apart from those of others."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


def is_ours(connection: sqlite3.Connection, application: int, version: int) -> bool:
    """False for a file with nothing in it; raises DatabaseError for one of something else.

    `application` is what https://www.sqlite.org/pragma.html#pragma_application_id tells of a file.
    """
    (found,) = connection.execute("PRAGMA application_id").fetchone()
    (form,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if (found, form) == (application, version):
        return True
    if found == application:
        raise sqlite3.DatabaseError(f"it has the format {form}, this Retrievo has {version}")
    if found or form or tables:
        raise sqlite3.DatabaseError("it is a database of something else")
    return False


def mark_ours(connection: sqlite3.Connection, application: int, version: int) -> None:
    """What `is_ours` knows the file by."""
    connection.execute(f"PRAGMA application_id = {application}")
    connection.execute(f"PRAGMA user_version = {version}")


@contextmanager
def told_as_os_error() -> Iterator[None]:
    """A database's errors as OSError: to a user the file is the matter, whatever reads it."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
