"""One key of all metadata, read from the catalog of a `local` index without decoding the rest."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.filters import DOC_ID, MISSING, lookup
from retrievo.store.columns.column import Column
from retrievo.store.columns.distinct import DistinctValues
from retrievo.store.local.database import Database
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
    if key == DOC_ID:
        return _ids(database)
    rows, documents = rows_and_documents(database)
    distinct, find = DistinctValues(), finder(key)
    found = [(doc, distinct.number(find(text))) for doc, text in _metadata(database)]
    of_row = _spread(found, documents)
    # A chunk that has metadata of its own has no others.
    own = database.all("SELECT row, metadata FROM chunks WHERE metadata IS NOT NULL")
    places = np.searchsorted(rows, np.array([row for row, _ in own], np.int64))
    of_row[places] = [distinct.number(find(text)) for _, text in own]
    return Column(distinct, of_row)


def finder(key: str) -> Callable[[str], Any]:
    """A function that finds what `lookup` does, of the JSON text of the metadata.

    The text is one that the catalog wrote: compact, all but ASCII escaped. It is decoded as a whole
    only where it is not plain to see where the value starts.
    """
    name, outer = f"{json.dumps(key)}:", f"{json.dumps(key.partition('.')[0])}:"
    skip = len(name)

    def find(text: str) -> Any:
        at = text.find(name)
        if at < 0 and outer not in text:
            return MISSING
        # Quotes inside a text are escaped, so after { or , this is a name; before a second { it is
        # one of the outermost names, which are unlike one another.
        if at > 0 and text[at - 1] in "{," and text.count("{", 0, at) == 1:
            return _decode(text, at + skip)[0]
        return lookup(json.loads(text), key)

    return find


def known_keys(database: Database, tenant: int) -> set[str]:
    """Keys that documents of the tenant have, as far as a sample shows."""
    found = database.all(
        "SELECT metadata FROM documents WHERE tenant = ? LIMIT ?", (tenant, _SAMPLE)
    )
    return {key for (text,) in found for key in json.loads(text)}


def _ids(database: Database) -> Column:
    found = database.all("SELECT doc, id FROM documents")
    ids = [name for _, name in found]
    # Several tenants may use the same id.
    distinct = DistinctValues(dict.fromkeys(ids))
    codes = range(1, len(ids) + 1) if len(distinct) > len(ids) else map(distinct.number, ids)
    of_document = list(zip((doc for doc, _ in found), codes, strict=True))
    return Column(distinct, _spread(of_document, rows_and_documents(database)[1]))


def _spread(found: list[tuple[int, int]], documents: Rows) -> npt.NDArray[np.int64]:
    """Of each row the number that was found for its document."""
    pairs = np.array(found, np.int64).reshape(-1, 2)
    of_document = np.zeros(int(pairs[:, 0].max(initial=0)) + 1, np.int64)
    of_document[pairs[:, 0]] = pairs[:, 1]
    return of_document[documents]


def _metadata(database: Database) -> Iterator[tuple[int, str]]:
    last = -1
    while True:
        part = database.all(
            "SELECT doc, metadata FROM documents WHERE doc > ? ORDER BY doc LIMIT ?",
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
