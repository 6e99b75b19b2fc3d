"""Chunks sent ahead, hidden: nothing that is searched changes by it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from qdrant_client import models

from retrievo.contracts import Batch, Space
from retrievo.store.qdrant.conditions import match
from retrievo.store.qdrant.operations import NUMBER_BYTES, apply, payload_bytes
from retrievo.store.qdrant.planning import Plan
from retrievo.store.qdrant.points import LENGTHS, NEXT, STAGED, STATE, lengths_payload
from retrievo.store.qdrant.reading import stored
from retrievo.store.qdrant.sending import Server
from retrievo.store.representations import no_rows, pick, stack
from retrievo.types import Representation, Rows, SparseRows


def stage(
    server: Server, spaces: Mapping[str, Space], batch: Batch, plan: Plan, limit: int
) -> None:
    """Send the fresh chunks hidden and new payloads beside the old, `limit` bytes a request."""
    values = _values(server, spaces, batch, np.array(plan.fresh, np.int64))
    sparse = {name: _lengths(v) for name, v in values.items() if isinstance(v, SparseRows)}
    part: list[models.PointStruct] = []
    size = 0
    for i, (row, payload) in enumerate(zip(plan.rows, plan.payloads, strict=True)):
        if sparse:
            payload[LENGTHS] = lengths_payload({n: float(v[i]) for n, v in sparse.items()})
        vector, floats = vectors_of(values, i)
        bytes_more = NUMBER_BYTES * floats + payload_bytes(payload)
        if part and size + bytes_more > limit:
            _upsert(server, part)
            part, size = [], 0
        part.append(models.PointStruct(id=row, vector=vector, payload=payload))
        size += bytes_more
    if part:
        _upsert(server, part)
    beside = [
        (
            models.SetPayloadOperation(
                set_payload=models.SetPayload(payload={NEXT: payload}, points=[row])
            ),
            payload_bytes(payload),
        )
        for row, payload in plan.changed.items()
    ]
    apply(server, f"staging {len(beside)} payloads", beside, limit)


def _upsert(server: Server, part: list[models.PointStruct]) -> None:
    # A row that another worker has shown in the meantime holds the same chunk: it stays.
    staged = models.Filter(must=[match(STATE, STAGED)])
    server.upsert(f"writing {len(part)} chunks", part, staged)


def _values(
    server: Server, spaces: Mapping[str, Space], batch: Batch, fresh: Rows
) -> dict[str, Representation]:
    """Representations of the fresh chunks: the batch's own, and copies of old rows'."""
    copied = batch.reuse[fresh] >= 0
    source = batch.reuse[fresh][copied]
    # The batch's rows come first in the stack; this puts each chunk back in its place.
    order = np.argsort(np.argsort(copied, kind="stable"), kind="stable")
    values: dict[str, Representation] = {}
    for name, space in spaces.items():
        own = batch.representations.get(name)
        parts = [no_rows(space) if own is None else own]
        if len(source):
            parts.append(stored(server, name, space, source))
        values[name] = pick(stack(parts), order) if len(source) else parts[0]
    return values


def vectors_of(values: Mapping[str, Representation], i: int) -> tuple[dict[str, Any], int]:
    """The vectors of one point as the client takes them, and how many numbers they hold."""
    vectors: dict[str, Any] = {}
    floats = 0
    for name, value in values.items():
        if isinstance(value, SparseRows):
            indices, weights = value[i]
            vectors[name] = models.SparseVector(indices=indices.tolist(), values=weights.tolist())
            floats += 2 * len(indices)
        elif value[i].size:
            # No vector at all where a row has none: a server takes no empty one.
            vectors[name] = value[i].tolist()
            floats += value[i].size
    return vectors, floats


def _lengths(values: SparseRows) -> Any:
    return values.lengths if values.lengths is not None else np.diff(values.indptr)
