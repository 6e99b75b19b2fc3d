"""What of a document is as it was: its fingerprint, its chunks, the file that it came from."""

import json
import os

from retrievo.metadata import file_of
from retrievo.types import Chunk, Document, content_hash

_sorted_json = json.JSONEncoder(sort_keys=True).encode


def rows_to_reuse(old: list[tuple[int, Chunk]], chunks: list[Chunk]) -> list[int]:
    """For each chunk the old row of its document with the same text and context, or -1."""
    same: dict[tuple[str, str], dict[int, None]] = {}
    ids: dict[str, int] = {}
    for row, chunk in old:
        same.setdefault((chunk.text, chunk.context), {})[row] = None
        ids[chunk.id] = row
    found = []
    for chunk in chunks:
        rows = same.get((chunk.text, chunk.context), {})
        # Of several equal texts the one with this id, so that it can stay where it is.
        mine = ids.get(chunk.id, -1)
        found.append(mine if mine in rows else next(iter(rows), -1))
    return found


def other_file(document: Document, old: Chunk | None) -> str | None:
    """Why the document may not take the old one's place: each is a file that is there."""
    now, before = file_of(document.metadata), file_of(old.metadata) if old else None
    if now is None or before is None or now == before:
        return None
    try:
        if os.path.samefile(now, before):
            return None
    except (OSError, ValueError):
        return None  # moved, or not files at all
    return (
        f"the index has this id from {before}, which is still there, and this is {now}; "
        "index the folder that holds both, or delete the first from the index"
    )


def fingerprint_of(document: Document) -> str:
    """Changes when anything of a document changes that an index keeps."""
    metadata = _sorted_json(document.metadata) if document.metadata else ""
    sections = repr(document.sections) if document.sections else ""
    return content_hash(document.text, document.title, metadata, sections)
