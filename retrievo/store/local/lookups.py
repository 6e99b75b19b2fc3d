"""What a search and an ingest look up in the catalog: chunks, rows, documents, tenants."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from retrievo.errors import StoreError
from retrievo.store.local.catalog import SAFE_TEXT, Catalog
from retrievo.store.local.database import Database
from retrievo.store.local.formats import TRUNCATED
from retrievo.types import Chunk, Rows

_CHUNK = """SELECT c.row, d.id, c.text, c.start, c.end, c.token_count,
    d.metadata, c.metadata, c.context, c.parent_start, c.parent_end, c.id, {account}
    FROM chunks c JOIN documents d ON d.doc = c.doc"""
_ACCOUNT = "t.tokens_seen, t.tokens_total"
_TRUNCATED = " LEFT JOIN truncated t ON t.row = c.row"

Found = TypeVar("Found")


class Lookups:
    """Reads what is visible. Tenants are given by their numbers."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._counted: list[tuple[int, int]] = []
        self._accounts = bool(
            database.all("SELECT 1 FROM sqlite_master WHERE name = ?", (TRUNCATED,))
        )
        self._sql = _CHUNK.format(account=_ACCOUNT if self._accounts else "NULL, NULL")
        if self._accounts:
            self._sql += _TRUNCATED

    def chunks(self, rows: Rows) -> list[Chunk]:
        """In the order given. Raises StoreError for a row that is not there."""
        found = self._among(f"{self._sql} WHERE c.row IN", rows.tolist())
        return _each({line[0]: _chunk(line) for line in found}, rows)

    def rows_of_chunks(self, chunk_ids: Sequence[str], tenant: int) -> Rows:
        """int64[n], -1 where there is none."""
        sql = "SELECT id, row FROM chunks WHERE tenant = ? AND id IN"
        found = dict(self._among(sql, list(chunk_ids), (tenant,)))
        return np.array([found.get(name, -1) for name in chunk_ids], np.int64)

    def rows_of_documents(self, doc_ids: Sequence[str], tenant: int) -> list[Rows]:
        found = self._catalog.rows_of_documents(doc_ids, tenant)
        return [np.array(found.get(name, []), np.int64) for name in doc_ids]

    def document_numbers(self, rows: Rows) -> Rows:
        found = dict(self._among("SELECT row, doc FROM chunks WHERE row IN", rows.tolist()))
        return np.array(_each(found, rows), np.int64)

    def tenants(self, rows: Rows) -> list[str | None]:
        """Whose each row is; None where the index has no tenants."""
        found = dict(
            self._among(
                "SELECT c.row, t.name FROM chunks c LEFT JOIN tenants t ON t.tenant = c.tenant "
                "WHERE c.row IN",
                rows.tolist(),
            )
        )
        return _each(found, rows)

    def tenanted(self) -> bool | None:
        """Whether documents have tenants; None where there is no document."""
        found = self._database.all("SELECT tenant FROM documents LIMIT 1")
        return bool(found[0][0]) if found else None

    def rows_of_tenant(self, tenant: int) -> Rows:
        """Ascending."""
        # `tenant > 0` is what lets SQLite use the partial index.
        return self._rows(
            "SELECT row FROM chunks WHERE tenant = ? AND tenant > 0 ORDER BY row", (tenant,)
        )

    def all_rows(self) -> Rows:
        """Ascending."""
        return self._rows("SELECT row FROM chunks ORDER BY row")

    def fingerprints(self, doc_ids: Sequence[str] | None, tenant: int) -> dict[str, str]:
        sql = "SELECT id, fingerprint FROM documents WHERE tenant = ?"
        if doc_ids is None:
            return dict(self._database.all(sql, (tenant,)))
        return dict(self._among(f"{sql} AND id IN", list(doc_ids), (tenant,)))

    def counts(self) -> tuple[int, int]:
        """Documents and chunks; SQLite walks through them to count, so it is asked once."""
        # A reader keeps the list that it began with, as in TermCounts.
        counted = self._counted
        if not counted:
            counted += self._database.all(
                "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM chunks)"
            )
        return counted[0]

    def truncated(self) -> tuple[int, int] | None:
        """Chunks that an encoder cut, and the tokens that they lost; None where it is not known."""
        if not self._accounts:
            return None
        # The join, because an older version deletes chunks and leaves their account.
        found = self._database.all(
            "SELECT count(*), coalesce(sum(t.tokens_total - t.tokens_seen), 0) "
            "FROM truncated t JOIN chunks c ON c.row = t.row"
        )
        return found[0][0], found[0][1]

    def forget(self) -> None:
        """Drop what is remembered: something was written."""
        self._counted = []

    def _among(
        self, sql: str, values: Sequence[Any], before: Sequence[Any] = ()
    ) -> list[tuple[Any, ...]]:
        return self._database.among(sql, values, before)

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        found = self._database.all(sql, values)
        return np.fromiter((row for (row,) in found), np.int64, len(found))


def _each(found: Mapping[int, Found], rows: Rows) -> list[Found]:
    """What was found of each row. Raises StoreError for one that is not there."""
    try:
        return [found[row] for row in rows.tolist()]
    except KeyError as missing:
        raise StoreError(f"the index has no row {missing.args[0]}") from None


def _chunk(found: tuple[Any, ...]) -> Chunk:
    _, doc_id, text, start, end, tokens, shared, own, context, first, last, chunk_id = found[:12]
    seen, total = found[12:]
    return Chunk(
        doc_id,
        _text(text),
        start,
        end,
        tokens,
        json.loads(own if own is not None else shared),
        _text(context),
        None if first is None else (first, last),
        chunk_id,
        None if seen is None else (seen, total),
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", SAFE_TEXT)
