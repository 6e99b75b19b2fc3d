"""A folder that was made beside its place, put there whole or not at all."""

from pathlib import Path


def put_in_place(new: Path, folder: Path) -> None:
    """The folder is what `new` was; what was there before is gone with the folder around `new`.

    Both are on one disk, and `new` is in a temporary folder of its own.
    """
    old = new.with_name("old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:  # Ctrl-C as well: the folder would be gone with what is temporary
        if old.exists():
            old.rename(folder)
        raise
