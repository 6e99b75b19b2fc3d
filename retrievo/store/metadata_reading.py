"""One key of all metadata, read from the catalog of a `local` index without decoding the rest."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.filters import DOC_ID, MISSING, lookup
from retrievo.store.column import Column
from retrievo.store.database import Database
from retrievo.store.distinct import DistinctValues
from retrievo.types import Rows

_DOCUMENTS_AT_ONCE = 10_000
_SAMPLE = 1_000
"""Documents that are looked at for the keys there are."""

_decode = json.JSONDecoder().raw_decode


def rows_and_documents(database: Database) -> tuple[Rows, Rows]:
    """All rows, ascending, and the number of each one's document."""
    # One text of all numbers: a tuple a row would cost five times as much.
    found = database.all("SELECT group_concat(row), group_concat(doc) FROM chunks")
    rows, documents = (_numbers(text) for text in found[0])
    order = np.argsort(rows, kind="stable")
    return rows[order], documents[order]


def read_column(database: Database, key: str) -> Column:
    """The column of the key over all rows, ascending; each document is read once."""
    rows, documents = rows_and_documents(database)
    distinct = DistinctValues()
    numbers, codes = [], []
    for number, text in _documents(database, "id" if key == DOC_ID else "metadata"):
        numbers.append(number)
        codes.append(distinct.number(text if key == DOC_ID else value_in(text, key)))
    of_document = np.zeros(max(numbers, default=0) + 1, np.int64)
    of_document[numbers] = codes
    of_row = of_document[documents]
    if key != DOC_ID:
        # A chunk that has metadata of its own has no others.
        own = database.all("SELECT row, metadata FROM chunks WHERE metadata IS NOT NULL")
        places = np.searchsorted(rows, np.array([row for row, _ in own], np.int64))
        of_row[places] = [distinct.number(value_in(text, key)) for _, text in own]
    return Column(distinct, of_row)


def value_in(text: str, key: str) -> Any:
    """What `lookup` finds under the key in the metadata that the JSON text holds, or MISSING.

    The text is one that the catalog wrote: compact, all but ASCII escaped.
    """
    name = f"{json.dumps(key)}:"
    at = text.find(name)
    if at < 0 and "." not in key:
        return MISSING
    # Quotes inside a text are escaped, so after { or , this is a name; before a second { it is
    # one of the outermost names, which are unlike one another.
    if at > 0 and text[at - 1] in "{," and text.count("{", 0, at) == 1:
        return _decode(text, at + len(name))[0]
    if at < 0 and f"{json.dumps(key.partition('.')[0])}:" not in text:
        return MISSING
    return lookup(json.loads(text), key)


def known_keys(database: Database, tenant: int) -> set[str]:
    """Keys that documents of the tenant have, as far as a sample shows."""
    found = database.all(
        "SELECT metadata FROM documents WHERE tenant = ? LIMIT ?", (tenant, _SAMPLE)
    )
    return {key for (text,) in found for key in json.loads(text)}


def _documents(database: Database, column: str) -> Iterator[tuple[int, str]]:
    last = -1
    while True:
        part = database.all(
            f"SELECT doc, {column} FROM documents WHERE doc > ? ORDER BY doc LIMIT ?",
            (last, _DOCUMENTS_AT_ONCE),
        )
        yield from part
        if len(part) < _DOCUMENTS_AT_ONCE:
            return
        last = part[-1][0]


def _numbers(text: str | None) -> npt.NDArray[np.int64]:
    if not text:
        return np.empty(0, np.int64)
    return np.fromstring(text, np.int64, sep=",")
