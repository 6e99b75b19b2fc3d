"""Where a migration is kept: a folder within that of the index that moves."""

from pathlib import Path

FOLDER, RECORD_FILE, INDEX = "migration", "migration.json", "index"

READY = "ready"
"""The file that decides: the new index takes the old one's place, whoever finishes that."""


def folder_of(path: object) -> Path | None:
    """The folder of the migration of the index in a folder; None where none is under way."""
    if not isinstance(path, Path):
        return None
    folder = path / FOLDER
    return folder if (folder / RECORD_FILE).is_file() else None
