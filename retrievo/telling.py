"""Things a caller should know that are no errors: collected by an ingest or a search, or warned.

Python's own `warnings.catch_warnings` changes the whole process, so that two threads that collect
at once lose warnings of one another. A context variable belongs to one thread or task.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from retrievo.errors import RetrievoWarning

_collected: ContextVar[list[str] | None] = ContextVar("retrievo_collected", default=None)


def tell(message: str, *, stacklevel: int = 2) -> None:
    """Hand the message to whoever collects in this thread or task, else warn with it."""
    collected = _collected.get()
    if collected is not None:
        collected.append(message)
    else:
        warnings.warn(message, RetrievoWarning, stacklevel=stacklevel + 1)


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
