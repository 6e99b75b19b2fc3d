"""Requests to the server: tried again where that can help, and told of plainly where it cannot."""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import grpc
import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from retrievo.errors import StoreError

T = TypeVar("T")

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0
"""Also the longest `Retry-After` that is waited for."""

_STATUS = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.INTERNAL: 500,
}
_GARBLED = (json.JSONDecodeError, UnicodeDecodeError)
_SLOW = (httpx.TimeoutException, TimeoutError)


class Missing(StoreError):
    """The server knows no such collection, or no such point."""


class Refused(StoreError):
    """The key may not do that."""


class Exists(StoreError):
    """The server has a collection of that name already."""


class Server:
    """A client, the collection it is asked about, and how patiently.

    Every request of this store may be sent twice: reads change nothing, and writes carry numbers
    that make a second one do nothing. `where` names the server in messages, without credentials.
    """

    def __init__(
        self, client: QdrantClient, collection: str, where: str, *, retries: int, timeout_s: float
    ) -> None:
        self.client = client
        self.collection = collection
        self.where = where
        self.timeout_s = timeout_s
        self._retries = retries

    def ask(self, doing: str, method: str, **arguments: Any) -> Any:
        """What the client's method gives for this collection.

        Raises StoreError, with `doing` in its message: "searching", "writing 20 points".
        """
        call = getattr(self.client, method)
        return self.tried(doing, lambda: call(self.collection, **arguments))

    def tried(self, doing: str, call: Callable[[], T]) -> T:
        wait = FIRST_WAIT_S
        for left in range(self._retries, -1, -1):
            try:
                return call()
            except Exception as error:  # what a client raises is not told by any one class
                pause = _pause(error, wait)
                if pause is None or not left or pause > LONGEST_WAIT_S:
                    raise self._told(error, doing) from _without_secrets(error)
            # Jitter, so that workers that failed together do not come back together.
            time.sleep(pause if pause > wait else pause * random.uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT_S)
        raise AssertionError("the last try returns or raises")

    def update(self, doing: str, operations: Iterable[Any]) -> None:
        """Apply the operations in their order; back when they are applied."""
        given = list(operations)
        if not given:
            return
        results = self.ask(
            doing,
            "batch_update_points",
            update_operations=given,
            wait=True,
            ordering=models.WriteOrdering.MEDIUM,
        )
        for result in results:
            self._check_applied(doing, result)

    def upsert(self, doing: str, points: list[Any], only: models.Filter) -> None:
        """Write the points; of those that are there, only the ones that match `only`."""
        result = self.ask(doing, "upsert", points=points, wait=True, update_filter=only)
        self._check_applied(doing, result)

    def _check_applied(self, doing: str, result: Any) -> None:
        if result.status != models.UpdateStatus.COMPLETED:
            raise StoreError(
                f"qdrant at {self.where}, {doing}: the server took it and did not apply it in time "
                f"({result.status.value}); index again, which finishes what was begun"
            )

    def pages(self, doing: str, where: models.Filter, size: int, payload: Any) -> Iterator[Any]:
        """All points that match, by ascending id, a page at a time."""
        offset = None
        while True:
            points, offset = self.ask(
                doing,
                "scroll",
                scroll_filter=where,
                limit=size,
                offset=offset,
                with_payload=payload,
                with_vectors=False,
            )
            if points:
                yield points
            if offset is None:
                return

    def _told(self, error: Exception, doing: str) -> StoreError:
        start = f"qdrant at {self.where}, {doing}:"
        status, said = _status(error), _said(error)
        source = error.source if isinstance(error, ResponseHandlingException) else error
        if isinstance(source, _SLOW) or _code(error) is grpc.StatusCode.DEADLINE_EXCEEDED:
            return StoreError(
                f"{start} no answer within {self.timeout_s:g} s; raise timeout_s in [store], or "
                "look at the server's load"
            )
        if isinstance(source, httpx.TransportError) or status == 503:
            return StoreError(
                f"{start} cannot be reached ({said}); check that a Qdrant server runs there, and "
                "the url in [store]"
            )
        if status in (401, 403):
            return Refused(
                f"{start} refused ({status}); give a key that may read and write the collection "
                f"{self.collection!r} in QDRANT_API_KEY, or as api_key = 'env:NAME' in [store]"
            )
        if status == 404:
            return Missing(
                f"{start} not found ({said}); if the collection {self.collection!r} was removed "
                "on the server, open the index again"
            )
        if status == 409:
            return Exists(f"{start} {said}")
        if status == 413 or "payload is larger than" in said or "larger than max" in said:
            return StoreError(
                f"{start} the request is too large for the server; lower batch_bytes in [store], "
                "or raise max_request_size_mb of the server"
            )
        if status == 429:
            return StoreError(f"{start} the server's rate limit is reached ({said}); try later")
        if status is not None:
            return StoreError(f"{start} the server answered {status}: {said}")
        if isinstance(error, (ResponseHandlingException, *_GARBLED)):
            return StoreError(
                f"{start} the answer is not one of a Qdrant server ({said}); check the url in "
                "[store]"
            )
        return StoreError(f"{start} {said}")


def _pause(error: Exception, wait: float) -> float | None:
    """Seconds after which another try may succeed; None where none can."""
    if isinstance(error, ResourceExhaustedResponse):
        return max(float(error.retry_after_s), 0.0)
    if isinstance(error, ResponseHandlingException):
        return wait if isinstance(error.source, httpx.TransportError) else None
    status = _status(error)
    if status == 429 or (status is not None and status >= 500 and status != 501):
        return wait
    return wait if _code(error) is grpc.StatusCode.DEADLINE_EXCEEDED else None


def _code(error: Exception) -> Any:
    return error.code() if isinstance(error, grpc.RpcError) and hasattr(error, "code") else None


def _status(error: Exception) -> int | None:
    if isinstance(error, UnexpectedResponse):
        code: int | None = error.status_code
        return code
    if isinstance(error, ResourceExhaustedResponse):
        return 429
    return _STATUS.get(_code(error))


def _said(error: Exception) -> str:
    """One line of what the server or the transport says."""
    if isinstance(error, UnexpectedResponse):
        text = error.reason_phrase
        try:
            text = str(error.structured()["status"]["error"])
        except (ValueError, KeyError, TypeError):
            text = f"{text}: {error.content[:200].decode(errors='replace')}"
    elif isinstance(error, ResponseHandlingException):
        text = f"{type(error.source).__name__}: {error.source}"
    elif isinstance(error, grpc.RpcError) and hasattr(error, "details"):
        text = str(error.details())
    elif isinstance(error, (QdrantException, ValueError)):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:297]}..."


def _without_secrets(error: Exception) -> Exception | None:
    """The error as a cause; a request that hangs on one carries headers with the key."""
    return error if isinstance(error, (UnexpectedResponse, ValueError)) else None
