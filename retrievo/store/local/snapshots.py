"""Snapshots: a copy of one moment of an index that any number of processes may search at once.

The engine opens its files for writing even to search, so each process gets a folder of its own in
the system's temporary folder: what never changes (float vectors, codes, graph, inverted index) is
linked there, the rest is copied. Nothing is ever written into the snapshot itself.
"""

import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from retrievo.errors import StoreError
from retrievo.store.local.copying import copy_folder, copy_sparse, sync_folder
from retrievo.store.local.folder import CATALOG, VECTORS, beside, remove_leftovers
from retrievo.store.local.processes import is_alive

MARKER = "snapshot.json"
"""The file that makes a folder a snapshot. Without it, the folder is an index like any other."""

_CONSTANT = frozenset(
    {"matrix.dat", "quantized.data", "graph.bin", "id_tracker.mappings", "inverted_index.dat"}
)
_LINKS = "links"


def is_snapshot(path: Path) -> bool:
    return (path / MARKER).exists()


def refusal(path: Path) -> StoreError:
    """What whoever writes to a snapshot is told."""
    return StoreError(
        f"{path} is a snapshot, which is only read; to go on from it, copy the folder and remove "
        f"{MARKER} from the copy"
    )


def make_snapshot(source: Path, target: Path, copy_catalog: Callable[[Path], object]) -> None:
    """Write a snapshot of an index, whole or not at all: it is made beside its place and moved.

    Nothing may write to the index meanwhile. `copy_catalog` makes a copy of its open database.
    Raises StoreError where there is something at the target.
    """
    target = target.absolute()
    if target.exists() or target.is_symlink():
        raise StoreError(f"there is something at {target}; a snapshot goes where nothing is")
    if target.is_relative_to(source.absolute()):
        raise StoreError(f"{target} is inside the index; a snapshot goes beside it")
    new = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target)
        new = beside(target)
        copy_catalog(new / CATALOG)
        copy_folder(source / VECTORS, new / VECTORS)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        (new / MARKER).write_text(json.dumps({"made": made}), encoding="utf-8")
        sync_folder(new)
        new.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise StoreError(
            f"cannot write a snapshot to {target}: {error.strerror or error}"
        ) from error
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


class PrivateVectors:
    """A folder that looks like the engine's of a snapshot, and belongs to this process."""

    def __init__(self, vectors: Path) -> None:
        remove_stale()
        self._owner = os.getpid()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix=f"{_prefix()}{os.getpid()}-"))
            self.path = self._folder / vectors.name
            _link(vectors.absolute(), self.path)
        except OSError as error:
            self.remove()
            raise StoreError(
                f"cannot open the snapshot {vectors.parent}: a folder for this process could not "
                f"be made in {tempfile.gettempdir()} ({error.strerror or error}); free space "
                "there, or set TMPDIR to another folder"
            ) from error

    def remove(self) -> None:
        folder = getattr(self, "_folder", None)
        if folder is not None and os.getpid() == self._owner:
            shutil.rmtree(folder, ignore_errors=True)


def remove_stale() -> None:
    """Remove the folders of processes of this machine that are gone without closing."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_prefix()}*"):
        number = folder.name.removeprefix(_prefix()).partition("-")[0]
        if number.isdigit() and not is_alive(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            _link(entry, target / entry.name)
        elif entry.name in _CONSTANT or entry.name.startswith(_LINKS):
            try:
                (target / entry.name).symlink_to(entry)
            except OSError:  # a system, or a user, without links
                _copy(entry, target / entry.name)
        else:
            _copy(entry, target / entry.name)


def _copy(source: Path, target: Path) -> None:
    copy_sparse(source, target)
    target.chmod(0o600)


def _prefix() -> str:
    # Containers may share a temporary folder, and have processes of the same number.
    host = hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()
    return f"retrievo-snapshot-{host}-"
