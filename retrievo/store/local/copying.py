"""Files copied with their holes: the engine's apparent size is a thousand times its real one."""

import os
import shutil
from pathlib import Path

_PIECE = 1 << 18
_NOTHING = bytes(_PIECE)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy the bytes and leave out what is zero; the target is on disk when this returns."""
    with source.open("rb") as read, target.open("xb") as write:
        size = os.fstat(read.fileno()).st_size
        while piece := read.read(_PIECE):
            if piece == _NOTHING or (len(piece) < _PIECE and not any(piece)):
                write.seek(len(piece), os.SEEK_CUR)
            else:
                write.write(piece)
        write.truncate(size)
        write.flush()
        os.fsync(write.fileno())
    shutil.copymode(source, target)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder, whatever is in it, into a new one."""
    target.mkdir()
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            copy_folder(entry, target / entry.name)
        else:
            copy_sparse(entry, target / entry.name)
    sync_folder(target)


def sync_folder(folder: Path) -> None:
    """Have the names in the folder on disk, where the system can say so."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
