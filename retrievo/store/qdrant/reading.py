"""What is stored, fetched by row: chunks, documents and vectors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from qdrant_client import models

from retrievo.contracts import Space
from retrievo.errors import StoreError
from retrievo.store.qdrant.conditions import match, visible
from retrievo.store.qdrant.points import (
    CHANGING,
    CHUNK,
    DOCUMENT,
    LENGTHS,
    LIVE,
    STATE,
    TENANT,
    WRITE,
    chunk_key,
    document_number,
    length_of,
)
from retrievo.store.qdrant.sending import Server
from retrievo.store.representations import no_rows
from retrievo.types import MultiRows, Representation, Rows, SparseRows

AT_ONCE = 1000
"""Points asked for by id in one request."""

DOCUMENT_KEYS = [STATE, WRITE, TENANT, "doc_id", "fingerprint", "rows"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as the server has it."""

    number: int
    state: str
    write: int
    doc_id: str
    tenant: str | None
    fingerprint: str
    rows: list[int]

    @classmethod
    def of(cls, point: Any) -> "Kept":
        p = point.payload
        return cls(
            int(point.id),
            p[STATE],
            p[WRITE],
            p["doc_id"],
            p.get(TENANT),
            p["fingerprint"],
            p["rows"],
        )

    @property
    def settled(self) -> bool:
        return self.state == DOCUMENT


def pieces(items: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def points(
    server: Server, doing: str, ids: Iterable[int], payload: Any, vectors: Any = False
) -> dict[int, Any]:
    """Those of the points that are there, by id."""
    found: dict[int, Any] = {}
    for part in pieces(ids):
        records = server.ask(
            doing, "retrieve", ids=part, with_payload=payload, with_vectors=vectors
        )
        found.update((int(record.id), record) for record in records)
    return found


def documents(server: Server, doc_ids: Sequence[str], tenant: str | None) -> dict[str, Kept]:
    """Those of the documents that are there, by id, in whatever state they are."""
    numbers: dict[int, str] = {}
    for name in doc_ids:
        number = document_number(tenant, name)
        if numbers.setdefault(number, name) != name:
            raise collision(server, number, f"document {name!r}", {"doc_id": numbers[number]})
    found = points(server, "looking up documents", numbers, DOCUMENT_KEYS)
    kept: dict[str, Kept] = {}
    for number, point in found.items():
        payload = point.payload or {}
        if payload.get("doc_id") != numbers[number] or payload.get(TENANT) != tenant:
            raise collision(server, number, f"document {numbers[number]!r}", payload)
        kept[numbers[number]] = Kept.of(point)
    return kept


def there(kept: Kept | None) -> bool:
    """Whether the document is in the index; one that is changing is, as what it will be."""
    return kept is not None and kept.state in (DOCUMENT, CHANGING)


def fingerprints_of(
    server: Server, doc_ids: Sequence[str] | None, tenant: str | None
) -> dict[str, str]:
    """Fingerprints of those documents that are there; of all of the tenant, without ids."""
    if doc_ids is not None:
        kept = documents(server, doc_ids, tenant)
        return {name: kept[name].fingerprint for name in doc_ids if there(kept.get(name))}
    conditions: list[Any] = [match(STATE, DOCUMENT, CHANGING)]
    if tenant is not None:
        conditions.append(match(TENANT, tenant))
    where = models.Filter(must=conditions)
    pages = server.pages("reading fingerprints", where, AT_ONCE, ["doc_id", "fingerprint"])
    told = (point.payload for page in pages for point in page)
    return {payload["doc_id"]: payload["fingerprint"] for payload in told}


def rows_of_documents(server: Server, doc_ids: Sequence[str], tenant: str | None) -> list[Rows]:
    """The rows of each document in order; empty where it is not there."""
    kept = documents(server, doc_ids, tenant)
    found = {name: one.rows for name, one in kept.items() if there(one)}
    return [np.array(found.get(name, []), np.int64) for name in doc_ids]


def rows_of_chunks(server: Server, chunk_ids: Sequence[str], tenant: str | None) -> Rows:
    """The row of each chunk, -1 where it is not there."""
    found: dict[str, int] = {}
    names = {chunk_key(name): name for name in chunk_ids}
    for part in pieces(names):
        where = visible(tenant, match(CHUNK, *part))
        for page in server.pages("looking up chunks", where, AT_ONCE, [CHUNK]):
            found.update((names[point.payload[CHUNK]], int(point.id)) for point in page)
    return np.array([found.get(name, -1) for name in chunk_ids], np.int64)


def scanned(server: Server, size: int) -> Iterator[Rows]:
    """All rows, ascending, in pieces."""
    for page in server.pages("reading rows", visible(None), size, False):
        yield np.array([point.id for point in page], np.int64)


def collision(server: Server, number: int, what: str, payload: Mapping[str, Any]) -> StoreError:
    return StoreError(
        f"qdrant at {server.where}: the point {number} of {what} belongs to "
        f"{payload.get('doc_id', 'something else')!r}; nothing was overwritten: two ids have one "
        "number (63 bits), or something else wrote to the collection; rename the document"
    )


def payloads(server: Server, rows: Rows, keys: list[str]) -> list[dict[str, Any]]:
    """The payload of each row, in their order. Raises StoreError for an unknown row."""
    wanted = [row for row in dict.fromkeys(rows.tolist()) if row >= 0]
    found = points(server, "reading chunks", wanted, keys)
    given = []
    for row in rows.tolist():
        payload = found[row].payload if row in found else None
        if payload is None or payload.get(STATE) != LIVE:
            raise unknown(server, row)
        given.append(payload)
    return given


def unknown(server: Server, row: int) -> StoreError:
    return StoreError(f"collection {server.collection!r} at {server.where} has no row {row}")


def stored(server: Server, name: str, space: Space, rows: Rows) -> Representation:
    """One representation of the rows, in their order. Raises StoreError for an unknown row."""
    wanted = [row for row in dict.fromkeys(rows.tolist()) if row >= 0]
    keys = [STATE, LENGTHS] if space.kind == "sparse" else [STATE]
    found = points(server, "reading vectors", wanted, keys, [name])
    given = []
    for row in rows.tolist():
        record = found.get(row)
        if record is None or record.payload.get(STATE) != LIVE:
            raise unknown(server, row)
        given.append(record)
    if not given:
        return no_rows(space)
    values = [(record.vector or {}).get(name) for record in given]
    if space.kind == "dense":
        return np.array(values, np.float32)
    if space.kind == "multi":
        parts = [np.array(v or (), np.float32).reshape(-1, space.size or 0) for v in values]
        return MultiRows(_bounds(parts), np.concatenate(parts))
    indices = [np.array([] if v is None else v.indices, np.uint32) for v in values]
    weights = [np.array([] if v is None else v.values, np.float32) for v in values]
    lengths = np.array([length_of(record.payload, name) for record in given], np.float32)
    return SparseRows(_bounds(indices), np.concatenate(indices), np.concatenate(weights), lengths)


def _bounds(parts: Sequence[Any]) -> Any:
    return np.cumsum([0, *map(len, parts)]).astype(np.int64)
