"""Columns of the metadata kept in the catalog, so that an index opens with those once asked for.

What the table holds is of the present state: the transaction that changes rows empties it, so a
kill leaves either the columns of the state that is there or none. What is damaged is read anew.
"""

import hashlib
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.store.columns.column import Column
from retrievo.store.columns.columns import Columns
from retrievo.store.columns.distinct import DistinctValues
from retrievo.store.local.database import Database
from retrievo.store.local.metadata_reading import known_keys, read_column, rows_and_documents
from retrievo.types import Rows

_ROWS = ""
"""The key under which the rows are kept: that of no filter, and no JSON text."""


class KeptColumns:
    """The columns of one catalog, kept and made. Its user sees to it that nothing else writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._damaged: set[str] = set()

    def columns(self) -> Columns:
        """The rows, and columns as they are asked for: the kept one, else one that is read."""
        kept = self._read(_ROWS)
        if kept is None:
            rows = rows_and_documents(self._database)[0]
        else:
            rows = np.cumsum(kept[1], dtype=np.int64)
        return Columns.made_by(rows, self._column)

    def load(self, columns: Columns | None) -> Columns | None:
        """The columns and all that are kept besides; None where there are neither."""
        keys = [json.loads(name) for name in self._names() - {_ROWS}]
        if columns is None:
            if not keys:
                return None
            columns = self.columns()
        held = columns.held()
        for key in keys:
            if key not in held:
                columns.hold(key, self._column(key))
        return columns

    def known_keys(self, tenant: int) -> set[str]:
        return known_keys(self._database, tenant)

    def save(self, columns: Columns) -> None:
        """Keep what is not kept yet."""
        wanted = {json.dumps(key): column for key, column in columns.held().items()}
        names = self._names() - self._damaged
        fresh = wanted.keys() - names
        if not fresh:
            return
        with self._database.transaction():
            for name in fresh:
                column = wanted[name]
                self._write(name, json.dumps(column.distinct.values[1:]), column.codes)
            if _ROWS not in names:
                self._write(_ROWS, "", _small(np.diff(columns.rows, prepend=0)))
        self._damaged.clear()

    def _names(self) -> set[str]:
        return {name for (name,) in self._database.all("SELECT key FROM columns")}

    def _write(self, name: str, entries: str, codes: npt.NDArray[Any]) -> None:
        width, data = codes.dtype.itemsize, codes.astype(codes.dtype.newbyteorder("<")).tobytes()
        digest = _digest(name, entries, width, data)
        self._database.execute(
            "INSERT OR REPLACE INTO columns VALUES (?, ?, ?, ?, ?)",
            (name, digest, entries, width, data),
        )

    def _read(self, name: str) -> tuple[str, npt.NDArray[np.unsignedinteger[Any]]] | None:
        """Entries and codes; None where nothing whole is kept."""
        found = self._database.all(
            "SELECT digest, entries, width, codes FROM columns WHERE key = ?", (name,)
        )
        for digest, entries, width, data in found:
            if digest == _digest(name, entries, width, data):
                return entries, np.frombuffer(data, f"<u{width}")
            self._damaged.add(name)
        return None

    def _column(self, key: str) -> Column:
        kept = self._read(json.dumps(key))
        if kept is None:
            return read_column(self._database, key)
        return Column(DistinctValues(json.loads(kept[0])), kept[1])


def _digest(name: str, entries: str, width: int, data: bytes) -> bytes:
    told = hashlib.blake2b(repr((name, entries, width)).encode(), digest_size=16)
    told.update(data)
    return told.digest()


def _small(gaps: Rows) -> npt.NDArray[Any]:
    return gaps.astype(np.min_scalar_type(int(gaps.max(initial=0))))
