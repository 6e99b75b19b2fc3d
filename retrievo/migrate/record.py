"""What a migration keeps of itself, in the folder of the index that moves: one JSON file."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from retrievo.errors import StoreError
from retrievo.migrate.place import RECORD_FILE

Answers = Literal["mapped", "old"]


class Scale(BaseModel):
    """A score in the new space as it follows from one in the old space: slope · score + offset."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    slope: float
    offset: float


class Record(BaseModel):
    """From which encoder to which, how queries are answered meanwhile, and what was measured.

    With `recut` documents are read and cut again, else the chunks stay as they are.

    `tables` is the configuration of the index when it has moved, `objects` names the parts of it
    that were handed over as objects. `old` and `new` are what passports tell of the encoders.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1] = 1
    answers: Answers
    old: dict[str, Any]
    new: dict[str, Any]
    recut: bool = False
    tables: dict[str, Any]
    objects: dict[str, str] = {}
    report: dict[str, Any] = {}
    scale: Scale | None = None
    notes: list[str] = []

    def save(self, folder: Path) -> None:
        """Write it into the folder, whole or not at all."""
        part = folder / f"{RECORD_FILE}.part"
        part.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        os.replace(part, folder / RECORD_FILE)


def read_record(folder: Path) -> Record:
    """The record in the folder of a migration. Raises StoreError where it cannot be read."""
    try:
        return Record.model_validate_json((folder / RECORD_FILE).read_bytes())
    except (OSError, ValidationError) as error:
        raise StoreError(
            f"{folder / RECORD_FILE} cannot be read ({str(error).splitlines()[0]}): the index "
            f"itself is whole; remove {folder} (or run `retrievo migrate --cancel`) and start the "
            "migration again"
        ) from None
