"""The SQLite half of the `local` store: documents, chunks, tenants, and what is visible.

The engine holds vectors by row and knows nothing else. A row exists when `chunks` has it. Two
journal tables make that hold through a kill at any moment: `pending` names rows that were handed to
the engine and not yet committed here, `dead` names rows that were removed here and may still be in
the engine. Both are cleared against the engine when the index is opened.

Tenants have numbers; 0 is that of the documents of an index without tenants.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from retrievo.store.local.database import Database
from retrievo.types import Chunk, Document, Rows

_INSERT_CHUNK = "INSERT INTO chunks VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
_MOVE_CHUNK = """UPDATE chunks SET ordinal = ?, start = ?, end = ?, token_count = ?, metadata = ?,
    parent_start = ?, parent_end = ? WHERE row = ?"""

_TRUNCATED = "INSERT INTO truncated VALUES (?, ?, ?)"

SAFE_TEXT = "surrogatepass"
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


class Catalog:
    """Documents, chunks and the journal; whatever writes does so inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transaction = database.transaction

    # what the index is

    def meta(self, key: str) -> str | None:
        found = self._database.all("SELECT value FROM meta WHERE key = ?", (key,))
        return found[0][0] if found else None

    def set_meta(self, values: Mapping[str, str]) -> None:
        self._database.each("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    # journal

    def allocate(self, n: int) -> int:
        """The first of n rows that nothing ever had; they are pending from now on."""
        with self.transaction():
            first = int(self.meta("next_row") or 0)
            self._database.execute("INSERT INTO pending VALUES (?, ?)", (first, first + n))
            self.set_meta({"next_row": str(first + n)})
        return first

    def unsettled(self) -> tuple[list[tuple[int, int]], Rows]:
        """Ranges of rows that were never committed, and rows that are dead."""
        pending = [
            (int(a), int(b)) for a, b in self._database.all("SELECT first, past FROM pending")
        ]
        return pending, _rows(self._database.all("SELECT row FROM dead"))

    def clear_dead(self) -> None:
        with self.transaction():
            self._database.execute("DELETE FROM dead")

    def clear_pending(self) -> None:
        """Part of the transaction that makes the rows visible."""
        self._database.execute("DELETE FROM pending")

    # writing, inside a transaction

    def tenant_number(self, tenant: str | None, *, make: bool = False) -> int:
        """The tenant's number: 0 without a tenant, -1 where there is none of the name."""
        if tenant is None:
            return 0
        found = self._database.all("SELECT tenant FROM tenants WHERE name = ?", (tenant,))
        if found:
            return int(found[0][0])
        if not make:
            return -1
        self._database.execute("INSERT INTO tenants (name) VALUES (?)", (tenant,))
        return self.tenant_number(tenant)

    def put_documents(
        self, documents: Sequence[Document], fingerprints: Sequence[str], tenant: int
    ) -> list[int]:
        """The documents' numbers, old or new; their chunks stay as they are."""
        ids = [document.id for document in documents]
        known = dict(
            self._database.among(
                "SELECT id, doc FROM documents WHERE tenant = ? AND id IN", ids, (tenant,)
            )
        )
        last = self._database.all("SELECT max(doc) FROM documents")[0][0] or 0
        fresh = count(last + 1)
        numbers = [
            known[document.id] if document.id in known else next(fresh) for document in documents
        ]
        self._database.each(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?) ON CONFLICT (doc) DO UPDATE "
            "SET fingerprint = excluded.fingerprint, metadata = excluded.metadata",
            (
                (number, document.id, fingerprint, _json(document.metadata), tenant)
                for number, document, fingerprint in zip(
                    numbers, documents, fingerprints, strict=True
                )
            ),
        )
        return numbers

    def bury(self, rows: Rows) -> None:
        """Remove the rows; they stay in `dead` until the engine has forgotten them."""
        values = [(row,) for row in rows.tolist()]
        self._database.each("DELETE FROM chunks WHERE row = ?", values)
        self._database.each("DELETE FROM truncated WHERE row = ?", values)
        self._database.each("INSERT OR IGNORE INTO dead VALUES (?)", values)

    def insert_chunks(
        self, values: Iterable[tuple[int, int, int, Chunk, bool]], tenant: int
    ) -> None:
        """Takes (row, document number, ordinal, chunk, has metadata of its own)."""
        self._database.each(
            _INSERT_CHUNK,
            (
                (
                    row,
                    doc,
                    ordinal,
                    chunk.id,
                    chunk.start,
                    chunk.end,
                    chunk.token_count,
                    _encode(chunk.text),
                    _encode(chunk.context),
                    _json(chunk.metadata) if own else None,
                    *(chunk.parent or (None, None)),
                    tenant,
                )
                for row, doc, ordinal, chunk, own in values
            ),
        )

    def move_chunks(self, values: Iterable[tuple[int, int, Chunk, bool]]) -> None:
        """Takes (row, ordinal, chunk, has metadata of its own) of chunks that kept their id."""
        self._database.each(
            _MOVE_CHUNK,
            (
                (
                    ordinal,
                    chunk.start,
                    chunk.end,
                    chunk.token_count,
                    _json(chunk.metadata) if own else None,
                    *(chunk.parent or (None, None)),
                    row,
                )
                for row, ordinal, chunk, own in values
            ),
        )

    def set_truncated(self, chunks: Iterable[tuple[int, Chunk]], *, known: bool) -> None:
        """Takes (row, chunk): of those that were cut, how much is in the vector.

        `known` says that the rows may have an older account.
        """
        pairs = list(chunks)
        if known:
            self._database.each("DELETE FROM truncated WHERE row = ?", [(row,) for row, _ in pairs])
        cut = [(row, *chunk.truncated) for row, chunk in pairs if chunk.truncated is not None]
        self._database.each(_TRUNCATED, cut)

    def remove_documents(self, doc_ids: Sequence[str], tenant: int) -> None:
        self._database.each(
            "DELETE FROM documents WHERE id = ? AND tenant = ?",
            [(name, tenant) for name in doc_ids],
        )
        if doc_ids and tenant:
            # The last document of a tenant takes the name with it.
            self._database.execute(
                "DELETE FROM tenants WHERE tenant = ? AND NOT EXISTS "
                "(SELECT 1 FROM chunks WHERE chunks.tenant = ? LIMIT 1) AND NOT EXISTS "
                "(SELECT 1 FROM documents WHERE documents.tenant = ? LIMIT 1)",
                (tenant, tenant, tenant),
            )

    def forget_columns(self) -> None:
        """Part of every transaction that changes rows: what is kept by column is of the old ones.

        See kept_columns.py.
        """
        self._database.execute("DELETE FROM columns")

    # reading what a write has to know

    def has_rows(self, first: int, past: int) -> set[int]:
        """The rows of the range that are visible."""
        found = self._database.all(
            "SELECT row FROM chunks WHERE row >= ? AND row < ?", (first, past)
        )
        return {row for (row,) in found}

    def rows_of_documents(self, doc_ids: Sequence[str], tenant: int) -> dict[str, list[int]]:
        """The rows of each document that is there, in the order of its chunks."""
        found: dict[str, list[tuple[int, int]]] = {}
        for doc_id, ordinal, row in self._database.among(
            "SELECT d.id, c.ordinal, c.row FROM documents d JOIN chunks c ON c.doc = d.doc "
            "WHERE d.tenant = ? AND d.id IN",
            list(doc_ids),
            (tenant,),
        ):
            found.setdefault(doc_id, []).append((ordinal, row))
        return {doc_id: [row for _, row in sorted(rows)] for doc_id, rows in found.items()}

    def chunk_ids(self, rows: Rows) -> dict[int, str]:
        return dict(self._database.among("SELECT row, id FROM chunks WHERE row IN", rows.tolist()))


def _encode(text: str) -> str | bytes:
    """The text itself, or its bytes where it holds lone surrogates, which SQLite text cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", SAFE_TEXT)
    return text


def _json(metadata: Mapping[str, Any]) -> str:
    return _ENCODE(metadata if type(metadata) is dict else dict(metadata))


def _rows(found: list[tuple[Any, ...]]) -> Rows:
    return np.fromiter((row for (row,) in found), np.int64, len(found))
