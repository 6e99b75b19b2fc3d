"""The folder of a `local` index: what is in it, how it is made whole, who holds it."""

import glob
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from retrievo.errors import IndexMissingError, StoreError
from retrievo.passport import Passport
from retrievo.store.local.catalog import Catalog
from retrievo.store.local.database import Database
from retrievo.store.local.engine import Engine
from retrievo.store.local.processes import is_alive

STALE_S = 24 * 3600
CATALOG, VECTORS, HOLDER = "catalog.sqlite", "vectors", "holder.json"


def make_index(path: Path, passport: Passport | None, config: Mapping[str, Any]) -> None:
    """Make an empty index, whole or not at all: it is made beside its place and moved there.

    Raises IndexMissingError without a passport, which says what it would be an index of.
    """
    if passport is None:
        raise IndexMissingError(
            f"there is no index at {path}; make one with `retrievo index PATH --index {path}` "
            "or pipeline.index(...)"
        )
    if not passport.representations:
        raise StoreError(
            f"an index at {path} would hold no representation of a chunk, and the store 'local' "
            "wants one: add a retriever that stores something (bm25, dense), or use the store "
            "'memory'"
        )
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is a file; an index is a folder")
    if (path / VECTORS).exists():
        _remove_empty(path / VECTORS, passport)
    path = path.absolute()
    new = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        new = beside(path)
        Engine(new / VECTORS, passport.representations, create=True).close()
        database = Database(new / CATALOG, create=True)
        with database.transaction():
            Catalog(database).set_meta(meta_of(passport, config))
        database.close()
        if path.exists():
            # It stays, for it may be the working folder of this process. The catalog goes last: it
            # is what makes a folder an index.
            for part in (VECTORS, CATALOG):
                (new / part).rename(path / part)
        else:
            new.rename(path)
    except OSError as error:
        raise StoreError(f"cannot make an index at {path}: {error.strerror or error}") from error
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


def beside(path: Path) -> Path:
    """A new empty folder where something is made that shall appear at the path as a whole."""
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
    new.mkdir()  # and not mkdtemp, which keeps other users out
    return new


def remove_leftovers(path: Path) -> None:
    """Remove what processes that are gone have left beside the path.

    A day later: a process of the same folder may run on another machine.
    """
    for old in path.parent.glob(f".{glob.escape(path.name)}.*.new"):
        number = old.name.removeprefix(f".{path.name}.").partition(".")[0]
        with suppress(OSError):
            age = time.time() - old.stat().st_mtime
            if number.isdigit() and not is_alive(int(number)) and age > STALE_S:
                shutil.rmtree(old, ignore_errors=True)


def _remove_empty(vectors: Path, passport: Passport) -> None:
    """Remove what a process left that was killed before the catalog was in its place.

    Raises StoreError where there is a vector in it: then a catalog was there, and is gone.
    """
    engine = Engine(vectors, passport.representations)
    try:
        if engine.count():
            raise StoreError(
                f"{vectors.parent} holds vectors and no {CATALOG}; restore it, or remove the folder"
            )
    finally:
        engine.close()
    shutil.rmtree(vectors)


def meta_of(passport: Passport, config: Mapping[str, Any]) -> dict[str, str]:
    return {"passport": passport.to_json(), "config": json.dumps(config)}


def hold(path: Path) -> None:
    """Write down who holds the index; the lock itself is SQLite's."""
    holder = {"pid": os.getpid(), "host": socket.gethostname()}
    with suppress(OSError):  # it is for messages only
        (path / HOLDER).write_text(json.dumps(holder), encoding="utf-8")


def release(path: Path) -> None:
    with suppress(OSError):
        (path / HOLDER).unlink(missing_ok=True)


def held_by(path: Path) -> str:
    """One sentence: who holds the index, and the ways out."""
    try:
        holder = json.loads((path / HOLDER).read_text(encoding="utf-8"))
        who = f"process {holder['pid']} on {holder['host']}"
        if (holder["pid"], holder["host"]) == (os.getpid(), socket.gethostname()):
            return (
                f"the index {path} is held by another pipeline of this process; use that one, or "
                "close it first: pipeline.close(), or `with Pipeline.open(...) as pipeline`"
            )
        if holder["host"] == socket.gethostname() and not is_alive(holder["pid"]):
            # Killed before it could take the file away; who has the lock has not written its own.
            who = "another process"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return (
        f"the index {path} is held by {who}; close it there, search a snapshot of it "
        "(`retrievo snapshot`), or use a store that several processes share (a server)"
    )
