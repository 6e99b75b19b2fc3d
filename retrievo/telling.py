"""Things a caller should know that are no errors: collected by an ingest or a search, or warned.

Python's own `warnings.catch_warnings` changes the whole process, so that two threads that collect
at once lose warnings of one another. A context variable belongs to one thread or task.
"""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Self

from retrievo.errors import RetrievoWarning

_collected: ContextVar[list[str] | None] = ContextVar("retrievo_collected", default=None)


def tell(message: str, *, stacklevel: int = 2) -> None:
    """Hand the message to whoever collects in this thread or task, else warn with it."""
    collected = _collected.get()
    if collected is not None:
        collected.append(message)
    else:
        warnings.warn(message, RetrievoWarning, stacklevel=stacklevel + 1)


class Counted(str):
    """The message "k of n what"; `merged` adds up those of the same `what`."""

    k: int
    n: int
    what: str

    def __new__(cls, k: int, n: int, what: str) -> Self:
        made = super().__new__(cls, f"{k:,} of {n:,} {what}")
        made.k, made.n, made.what = k, n, what
        return made


def merged(messages: Iterable[str]) -> list[str]:
    """Each message once, in the order of their first; counted ones with the sums of their counts.

    An encoder that is asked batch by batch says the same of each.
    """
    found: dict[tuple[type, str], str] = {}
    for message in messages:
        if not isinstance(message, Counted):
            found.setdefault((str, message), message)
            continue
        known = found.get((Counted, message.what))
        if isinstance(known, Counted):
            message = Counted(known.k + message.k, known.n + message.n, message.what)
        found[Counted, message.what] = message
    return [str(message) for message in found.values()]


@contextmanager
def collecting() -> Iterator[list[str]]:
    """The messages that are told inside; where an error ends it, they become warnings."""
    messages: list[str] = []
    token = _collected.set(messages)
    try:
        yield messages
    except BaseException:
        _collected.reset(token)
        for message in messages:
            tell(message, stacklevel=3)
        raise
    _collected.reset(token)
