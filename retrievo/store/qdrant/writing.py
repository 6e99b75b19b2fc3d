"""How a batch gets into the collection, without transactions: staged, then committed in one order.

1. New chunks are sent hidden; chunks that stay and change get their new payload beside the old.
   A client that dies here has changed nothing that anybody sees.
2. The documents' points are replaced: "changing", with the new fingerprint and rows. From here on
   the server knows all that is left to do, and whoever opens the index, or writes one of the
   documents, finishes it.
3. New rows are shown, changed payloads put in place, other rows of the documents removed.
4. The documents are settled. Those that a later write has overtaken in the meantime are its own.

Steps 2 to 4 are one request wherever it is not too large. Every operation holds a condition on the
write's number, so one that is sent twice, or late, does nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from qdrant_client import models

from retrievo.contracts import Batch, Space
from retrievo.store.qdrant.batches import check_values
from retrievo.store.qdrant.conditions import having, match
from retrievo.store.qdrant.operations import (
    NUMBER_BYTES,
    Sized,
    apply,
    before,
    delete_points,
    overwrite_payload,
    payload_bytes,
    set_payload,
)  # fmt: skip
from retrievo.store.qdrant.planning import plan_of
from retrievo.store.qdrant.points import (
    CHANGING,
    DOC,
    DOCUMENT,
    LEAVING,
    LIVE,
    NEXT,
    STAGED,
    STATE,
    WRITE,
    document_number,
    document_payload,
)  # fmt: skip
from retrievo.store.qdrant.reading import Kept, documents, pieces, points
from retrievo.store.qdrant.sending import Server
from retrievo.store.qdrant.staging import stage, vectors_of
from retrievo.types import Representation, Rows

ROWS_A_COMMIT = 4000
STALE_S = 3600.0
"""A chunk that was staged longer ago belongs to a client that has died."""


class Writes:
    """Batches and deletes, in requests of bounded size."""

    def __init__(
        self,
        server: Server,
        spaces: Mapping[str, Space],
        batch_bytes: int,
        alone: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._server = server
        self._alone = alone
        self._spaces = spaces
        self._batch_bytes = batch_bytes

    # a batch

    def write(self, batch: Batch) -> None:
        names = [document.id for document, _ in batch.items]
        old = self._settled(names, batch.tenant)
        plan = plan_of(self._server, batch, old)
        stage(self._server, self._spaces, batch, plan, self._batch_bytes)
        kept = [
            (document_number(batch.tenant, name), rows)
            for name, rows in zip(names, plan.of_documents, strict=True)
        ]
        records = [
            models.PointStruct(
                id=number,
                vector={},
                payload=document_payload(name, batch.tenant, fingerprint, rows, plan.write),
            )
            for (number, rows), name, fingerprint in zip(
                kept, names, batch.fingerprints, strict=True
            )
        ]
        for first, past in _groups([len(rows) for _, rows in kept]):
            self._commit(kept[first:past], plan.write, plan.changed, records[first:past])

    def _settled(self, names: Sequence[str], tenant: str | None) -> dict[str, Kept]:
        """The documents as they are, after finishing what others have left of them."""
        old = documents(self._server, names, tenant)
        left = [one for one in old.values() if not one.settled]
        if not left:
            return old
        self.finish(left)
        return documents(self._server, names, tenant)

    # committing

    def _commit(
        self,
        kept: Sequence[tuple[int, list[int]]],
        write: int,
        changed: Mapping[int, dict[str, Any]],
        records: list[models.PointStruct] | None,
    ) -> None:
        """Steps 2 to 4 for documents by number, with their rows; without `records` 3 and 4."""
        numbers = [number for number, _ in kept]
        rows = [row for _, mine in kept for row in mine]
        operations: list[Sized] = []
        if records:
            upsert = models.PointsList(
                points=records, update_filter=models.Filter(must=[before(write)])
            )
            size = sum(payload_bytes(record.payload or {}) for record in records)
            operations.append(
                (models.UpsertOperation(upsert=upsert), size + NUMBER_BYTES * len(rows))
            )
        if rows:
            show = set_payload({STATE: LIVE, WRITE: write}, having(rows))
            operations.append((show, NUMBER_BYTES * len(rows)))
        operations += [
            (overwrite_payload(changed[row], row), payload_bytes(changed[row]))
            for row in rows
            if row in changed
        ]
        gone = models.Filter(
            must=[match(DOC, *numbers), match(STATE, LIVE), before(write)],
            must_not=[having(rows)] if rows else None,
        )
        operations.append((delete_points(gone), NUMBER_BYTES * (len(rows) + len(numbers))))
        mine = (having(numbers), match(STATE, CHANGING), match(WRITE, write))
        operations.append((set_payload({STATE: DOCUMENT}, *mine), NUMBER_BYTES * len(numbers)))
        with self._alone():
            self._send(f"committing {len(numbers)} documents", operations)
            self._give_way(kept, write)

    def _give_way(self, kept: Sequence[tuple[int, list[int]]], write: int) -> None:
        """Take back what was shown of documents that a later write, or a delete, has overtaken."""
        now = points(self._server, "looking after a commit", dict(kept), [WRITE, "rows"])
        lost = []
        for number, rows in kept:
            payload = now[number].payload if number in now else {WRITE: None, "rows": []}
            if payload[WRITE] != write:
                lost += sorted(set(rows) - set(payload["rows"]))
        if lost:
            gone = models.Filter(must=[having(lost), match(WRITE, write)])
            self._server.update("giving way to a later write", [delete_points(gone)])

    def _send(self, doing: str, operations: Sequence[Sized]) -> None:
        apply(self._server, doing, operations, self._batch_bytes)

    # deleting, and what others have left

    def delete(self, doc_ids: Sequence[str], tenant: str | None) -> int:
        old = self._settled(list(dict.fromkeys(doc_ids)), tenant)
        for part in pieces(old.values()):
            self._remove(part, max([time.time_ns() // 1000, *(one.write + 1 for one in part)]))
        return len(old)

    def _remove(self, part: Sequence[Kept], write: int) -> None:
        numbers = having(one.number for one in part)
        leaving = set_payload({STATE: LEAVING, WRITE: write}, numbers, before(write))
        with self._alone():
            self._server.update(f"deleting {len(part)} documents", [leaving, *_gone(part, write)])

    def finish(self, left: Sequence[Kept]) -> None:
        """Do what is left of writes and deletes that ended in the middle."""
        for one in left:
            if one.state == LEAVING:
                with self._alone():
                    self._server.update("finishing a delete", _gone([one], one.write))
            elif one.state == CHANGING:
                staged = points(self._server, "finishing a write", one.rows, [NEXT])
                changed = {
                    row: point.payload[NEXT]
                    for row, point in staged.items()
                    if point.payload and point.payload.get(NEXT, {}).get(WRITE) == one.write
                }
                self._commit([(one.number, one.rows)], one.write, changed, None)

    def finish_all(self) -> None:
        """Finish all that is left, and remove what a client staged that has died long ago."""
        states = models.Filter(must=[match(STATE, CHANGING, LEAVING)])
        for page in self._server.pages("looking for unfinished writes", states, 500, True):
            self.finish([Kept.of(point) for point in page])
        long_ago = time.time_ns() // 1000 - int(STALE_S * 1e6)
        stale = models.Filter(must=[match(STATE, STAGED), before(long_ago)])
        doing = "removing stale chunks"
        # A key that may only read can open an index in which there is nothing to do.
        if self._server.ask(doing, "count", count_filter=stale, exact=True).count:
            self._server.update(doing, [delete_points(stale)])

    # one representation anew

    def replace(self, name: str, rows: Rows, values: Representation) -> None:
        check_values(name, self._spaces[name], values, len(rows))
        operations: list[Sized] = []
        for i, row in enumerate(rows.tolist()):
            vector, floats = vectors_of({name: values}, i)
            if vector:
                one = models.PointVectors(id=row, vector=vector)
                change: Any = models.UpdateVectorsOperation(
                    update_vectors=models.UpdateVectors(points=[one])
                )
            else:
                change = models.DeleteVectorsOperation(
                    delete_vectors=models.DeleteVectors(points=[row], vector=[name])
                )
            operations.append((change, NUMBER_BYTES * floats + 100))
        self._send(f"replacing {name!r} of {len(rows)} chunks", operations)


def _gone(part: Sequence[Kept], write: int) -> list[Any]:
    """Take away the chunks of documents that are leaving, then the documents."""
    numbers = [one.number for one in part]
    chunks = models.Filter(must=[match(DOC, *numbers), match(STATE, LIVE), before(write)])
    mine = [having(numbers), match(STATE, LEAVING), match(WRITE, write)]
    return [delete_points(chunks), delete_points(models.Filter(must=mine))]


def _groups(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Bounds of runs of documents that are committed together."""
    groups, first, total = [], 0, 0
    for place, size in enumerate(sizes):
        if place > first and (total + size > ROWS_A_COMMIT or place - first >= 500):
            groups.append((first, place))
            first, total = place, 0
        total += size
    return [*groups, (first, len(sizes))] if sizes else groups
