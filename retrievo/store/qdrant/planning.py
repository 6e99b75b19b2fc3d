"""What a batch changes: which chunks are sent, which stay, and the rows that each document gets."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retrievo.contracts import Batch
from retrievo.store.qdrant.points import (
    CHUNK,
    LENGTHS,
    LIVE,
    STAGED,
    STATE,
    TENANT,
    chunk_key,
    chunk_payload,
    row_number,
    same_chunk,
)  # fmt: skip
from retrievo.store.qdrant.reading import Kept, collision, points, unknown
from retrievo.store.qdrant.sending import Server
from retrievo.types import Chunk


@dataclass(slots=True)
class Plan:
    """Of one batch, numbered `write`.

    `fresh` are the places of the chunks that are sent, aligned with `rows` and `payloads`;
    `changed` the new payload of rows that stay; `of_documents` the rows of each document in order.
    """

    write: int
    fresh: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    payloads: list[dict[str, Any]] = field(default_factory=list)
    changed: dict[int, dict[str, Any]] = field(default_factory=dict)
    of_documents: list[list[int]] = field(default_factory=list)


def plan_of(server: Server, batch: Batch, old: Mapping[str, Kept]) -> Plan:
    """The plan of a batch, given the documents that it replaces.

    Raises StoreError for a row to reuse that is not there, and where a number is taken.
    """
    # Later than the clock of whoever wrote them before.
    write = max([time.time_ns() // 1000, *(one.write + 1 for one in old.values())])
    plan = Plan(write)
    reused = batch.reuse[batch.reuse >= 0].tolist()
    before = points(server, "reading chunks", dict.fromkeys(reused), True)
    for row in reused:
        if row not in before or before[row].payload.get(STATE) != LIVE:
            raise unknown(server, row)
    wanted: list[Chunk] = []
    place = 0
    for document, chunks in batch.items:
        mine = set(old[document.id].rows) if document.id in old else set()
        rows: list[int] = []
        for chunk in chunks:
            payload = chunk_payload(chunk, batch.tenant, write)
            row = int(batch.reuse[place])
            kept = before[row].payload if row in mine and row in before else None
            if kept is None or kept[CHUNK] != chunk_key(chunk.id) or row in rows:
                plan.fresh.append(place)
                plan.payloads.append(payload)
                wanted.append(chunk)
                rows.append(-1)
            else:
                rows.append(row)
                if not same_chunk(kept, payload):
                    plan.changed[row] = {**payload, STATE: LIVE, LENGTHS: kept.get(LENGTHS, {})}
            place += 1
        plan.of_documents.append(rows)
    plan.rows = _numbers(server, wanted, batch.tenant)
    taken = iter(plan.rows)
    for rows in plan.of_documents:
        rows[:] = [next(taken) if row < 0 else row for row in rows]
    return plan


def _numbers(server: Server, chunks: Sequence[Chunk], tenant: str | None) -> list[int]:
    """A row for each chunk: one that nothing has, or the one that a dead client staged it at.

    Raises StoreError where the point of another chunk has the number.
    """
    rows = [0] * len(chunks)
    left, turn = list(range(len(chunks))), 0
    taken: set[int] = set()
    while left:
        for i in left:
            rows[i] = row_number(tenant, chunks[i].doc_id, chunks[i].id, turn)
        ids = dict.fromkeys(rows[i] for i in left)
        there = points(server, "looking for rows", ids, [STATE, TENANT, "doc_id", CHUNK])
        again = []
        for i in left:
            payload = there[rows[i]].payload if rows[i] in there else None
            if payload is not None:
                chunk = chunks[i]
                mine = (tenant, chunk.doc_id, chunk_key(chunk.id))
                if (payload.get(TENANT), payload.get("doc_id"), payload.get(CHUNK)) != mine:
                    raise collision(server, rows[i], f"chunk {chunk.id!r}", payload)
            if rows[i] in taken or (payload is not None and payload[STATE] != STAGED):
                again.append(i)
            taken.add(rows[i])
        left, turn = again, turn + 1
    return rows
