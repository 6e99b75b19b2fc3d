"""An index put in the place of another: done whole, whoever is killed when.

The new index is ready in `DIR/migration/index` when a marker is written, and the marker decides:
from then on whoever opens the index finishes the exchange first. Each step may be done again.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retrievo.errors import IndexLockedError, StoreError
from retrievo.migrate.place import FOLDER, INDEX, READY
from retrievo.store.local.copying import sync_folder
from retrievo.store.local.database import Database
from retrievo.store.local.folder import CATALOG, HOLDER, VECTORS, held_by

_LOCK, _DONE = "exchange.sqlite", "migration.done"


def is_ready(path: Path) -> bool:
    """Whether an exchange was decided and is not finished."""
    return (path / FOLDER / READY).exists()


def decide(path: Path) -> None:
    """Write the marker: the index in `migration/index`, which is closed, shall take the place.

    Raises StoreError where it is not whole.
    """
    new = path / FOLDER / INDEX
    left = [name for name in (CATALOG, VECTORS) if not (new / name).exists()]
    if left or (new / f"{CATALOG}-wal").exists():
        raise StoreError(f"{new} is no closed index ({', '.join(left) or 'it is open'})")
    marker = path / FOLDER / READY
    try:
        sync_folder(new)
        with marker.open("wb") as file:
            os.fsync(file.fileno())
        sync_folder(path / FOLDER)
    except BaseException as error:
        with suppress(OSError):
            marker.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise StoreError(
            f"the migration of {path} could not be put in place: {error.strerror or error}; the "
            "index is as it was: mend that, and call finish again"
        ) from error


def complete(path: Path) -> None:
    """Finish an exchange that was decided; nothing where none was.

    Raises IndexLockedError where the old index is still open somewhere.
    """
    remove_done(path)
    if not is_ready(path):
        return
    try:
        with _alone(path):
            if is_ready(path):  # another process may have been faster
                _exchange(path)
    except OSError as error:
        raise StoreError(
            f"the migration of {path} is complete and could not be put in place: "
            f"{error.strerror or error}; open the index again when that is mended"
        ) from error


def remove_done(path: Path) -> None:
    """Remove what an exchange left behind."""
    if (path / _DONE).exists():
        shutil.rmtree(path / _DONE, ignore_errors=True)


def _exchange(path: Path) -> None:
    place = path / FOLDER
    new, old = place / INDEX, place / "old-vectors"
    if (new / CATALOG).exists():
        # Until the catalog is exchanged the old one is here: nobody may have it open. Closing it
        # puts what is in its journal into it, so that none is left to be taken for the new one's.
        try:
            Database(path / CATALOG, create=False).close()
        except IndexLockedError:
            raise IndexLockedError(held_by(path)) from None
        if (new / VECTORS).exists():
            if (path / VECTORS).exists():
                (path / VECTORS).rename(old)
            (new / VECTORS).rename(path / VECTORS)
            sync_folder(path)
        for ending in ("-wal", "-shm"):
            (path / f"{CATALOG}{ending}").unlink(missing_ok=True)
        os.replace(new / CATALOG, path / CATALOG)
        sync_folder(path)
    (path / HOLDER).unlink(missing_ok=True)
    # One step takes away the marker and all that is left of the old index.
    place.rename(path / _DONE)
    sync_folder(path)
    remove_done(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time: the lock is a database's, which ends with the process."""
    connection = sqlite3.connect(path / _LOCK, timeout=30, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            raise IndexLockedError(
                f"another process is putting the migrated index {path} in place; try again"
            ) from error
        yield
    finally:
        connection.close()  # the empty file stays: whoever waits for it has it open
