"""Changes of points, and how many go into one request."""

from collections.abc import Mapping, Sequence
from typing import Any

from qdrant_client import models

from retrievo.store.qdrant.conditions import having
from retrievo.store.qdrant.points import WRITE
from retrievo.store.qdrant.sending import Server

NUMBER_BYTES = 20
"""Of a number in JSON, at most about."""

Sized = tuple[Any, int]
"""An operation and about how many bytes it takes."""


def apply(server: Server, doing: str, operations: Sequence[Sized], limit: int) -> None:
    """Apply the operations in their order, in requests of at most about `limit` bytes."""
    part: list[Any] = []
    size = 0
    for operation, more in operations:
        if part and size + more > limit:
            server.update(doing, part)
            part, size = [], 0
        part.append(operation)
        size += more
    server.update(doing, part)


def before(write: int) -> models.FieldCondition:
    return models.FieldCondition(key=WRITE, range=models.Range(lt=write))


def set_payload(payload: dict[str, Any], *where: Any) -> models.SetPayloadOperation:
    return models.SetPayloadOperation(
        set_payload=models.SetPayload(payload=payload, filter=models.Filter(must=list(where)))
    )


def overwrite_payload(payload: dict[str, Any], row: int) -> models.OverwritePayloadOperation:
    return models.OverwritePayloadOperation(
        overwrite_payload=models.SetPayload(
            payload=payload, filter=models.Filter(must=[having([row])])
        )
    )


def delete_points(where: models.Filter) -> models.DeleteOperation:
    return models.DeleteOperation(delete=models.FilterSelector(filter=where))


def payload_bytes(payload: Mapping[str, Any]) -> int:
    """About how large the payload is as JSON."""
    total = 300
    for value in payload.values():
        if isinstance(value, str):
            total += len(value) * (1 if value.isascii() else 3)
        elif isinstance(value, dict):
            total += payload_bytes(value)
        elif isinstance(value, list):
            total += sum(len(item) if isinstance(item, str) else 20 for item in value)
    return total
