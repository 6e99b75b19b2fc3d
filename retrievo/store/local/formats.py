"""Formats of a `local` index on disk: an older one is brought up to date when it is opened.

The change is one SQLite transaction, so a kill leaves the old format whole; the engine's files are
the same in all formats so far.
"""

import json
from pathlib import Path

from retrievo.errors import MismatchError, StoreError
from retrievo.passport import FORMAT
from retrievo.store.local.database import SCHEMA, Database, statements

TRUNCATED = "truncated"
"""A snapshot that was made before there was this table has none: nothing is known of its chunks."""

_TENANTS = """
ALTER TABLE documents RENAME TO old_documents;
ALTER TABLE chunks RENAME TO old_chunks;
DROP INDEX chunks_of_document;
"""
_COPY = """
INSERT INTO documents SELECT doc, id, fingerprint, metadata, 0 FROM old_documents;
INSERT INTO chunks SELECT row, doc, ordinal, id, start, end, token_count, text, context, metadata,
    parent_start, parent_end, 0 FROM old_chunks;
DROP TABLE old_documents;
DROP TABLE old_chunks;
"""


def bring_up_to_date(database: Database, path: Path) -> None:
    """Change an index of an older format into the present one.

    Raises StoreError for what is no index, MismatchError for a format that is newer.
    """
    has_meta = database.all("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'")
    found = has_meta and database.all("SELECT value FROM meta WHERE key = 'passport'")
    if not found:
        raise StoreError(f"{path} is not a Retrievo index: its catalog holds no passport")
    passport = json.loads(found[0][0])
    number = passport.get("format")
    if number == FORMAT:
        _add_tables(database)
        return
    if number != 1:
        raise MismatchError(
            f"the index {path} has format {number}, this Retrievo knows 1 to {FORMAT}; "
            "it was made by a newer version: pip install --upgrade retrievo"
        )
    with database.transaction():
        for statement in statements(_TENANTS):
            database.execute(statement)
        for statement in statements(SCHEMA):
            # What the old format has already stays as it is.
            database.execute(statement.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS "))
        for statement in statements(_COPY):
            database.execute(statement)
        passport["format"] = FORMAT
        database.execute(
            "UPDATE meta SET value = ? WHERE key = 'passport'",
            (json.dumps(passport, ensure_ascii=False, sort_keys=True),),
        )


def _add_tables(database: Database) -> None:
    """Make what a format got without a new number: tables that older versions leave alone."""
    there = {name for (name,) in database.all("SELECT name FROM sqlite_master")}
    if TRUNCATED in there:
        return
    with database.transaction():
        for statement in statements(SCHEMA):
            if statement.startswith(f"CREATE TABLE {TRUNCATED} "):
                database.execute(statement)
