"""How the parts of one search are called: one after another or side by side, until time is up."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextvars import copy_context
from itertools import islice
from typing import Any, TypeVar

from retrievo.errors import (
    ConfigError,
    FilterError,
    IndexLockedError,
    IndexMissingError,
    MismatchError,
    PluginError,
    SearchTimeoutError,
    TenantError,
)

T = TypeVar("T")

NOT_A_FAULT = (
    ConfigError,
    FilterError,
    IndexLockedError,
    IndexMissingError,
    MismatchError,
    PluginError,
    TenantError,
)
"""What a caller has to mend: a search does not answer without the part that raised it."""


MOST_THREADS = 16
"""How many calls of one search run side by side."""

Outcome = Any
"""What a call gave, or the Exception that it raised."""


class Turn:
    """The calls of one search.

    In the caller's own thread, one after another, where there is no time limit and no event loop:
    a thread costs more than most branches. Otherwise each in a thread of its own, in a copy of the
    caller's context; a part's own coroutines run in the `loop`. A thread that is late goes on by
    itself, and what it gives is dropped.
    """

    def __init__(
        self, timeout_s: float | None = None, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._loop = loop
        self._cancelled = threading.Event()
        self._awaited: set[Future[Any]] = set()

    @property
    def apart(self) -> bool:
        """Whether calls run in threads of their own."""
        return self._until is not None or self._loop is not None

    def outcomes(
        self, calls: Mapping[str, Callable[[], Any]], *, share: float = 1.0
    ) -> dict[str, Outcome]:
        """What each call gave, by its name: its value, or the error it raised or is late with.

        They may take the `share` of the time that is left. Errors that the caller has to mend are
        raised.
        """
        self.check()
        if self.apart:
            found = self._side_by_side(calls, share)
        else:
            found = {name: self.here(call) for name, call in calls.items()}
        for outcome in found.values():
            if isinstance(outcome, NOT_A_FAULT):
                raise outcome
        return found

    def outcome(self, name: str, call: Callable[[], Any], *, share: float = 1.0) -> Outcome:
        """What one call gave, or the error."""
        return self.outcomes({name: call}, share=share)[name]

    @staticmethod
    def here(call: Callable[..., Any], *given: Any) -> Outcome:
        """What a call in this thread gave, or the error. Raises what the caller has to mend."""
        try:
            return call(*given)
        except NOT_A_FAULT:
            raise
        except Exception as error:  # a plugin's code may raise anything
            return error

    def method(self, part: object, verb: str) -> Callable[..., Any]:
        """The part's method; its async twin, run in the event loop, where it has one and we do."""
        loop = self._loop
        twin = None if loop is None else getattr(part, f"a{verb}", None)
        if loop is None or twin is None:
            found: Callable[..., Any] = getattr(part, verb)
            return found

        def awaited(*given: Any) -> Any:
            self.check()
            future = asyncio.run_coroutine_threadsafe(twin(*given), loop)
            self._awaited.add(future)
            try:
                return future.result(self._left())
            except TimeoutError:
                if future.done():
                    raise  # its own
                raise self._late(type(part).__name__) from None
            finally:
                future.cancel()  # of one that has ended this does nothing
                self._awaited.discard(future)

        return awaited

    def cancel(self) -> None:
        """Nobody waits for the answer: coroutines are cancelled, no further step begins."""
        self._cancelled.set()
        for future in tuple(self._awaited):
            future.cancel()

    def check(self) -> None:
        """Raise CancelledError where nobody waits for the answer any more."""
        if self._cancelled.is_set():
            raise asyncio.CancelledError

    def _left(self) -> float | None:
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def _side_by_side(
        self, calls: Mapping[str, Callable[[], Any]], share: float
    ) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        left = self._left()
        until = None if left is None else time.monotonic() + share * left
        for some in batched(calls.items(), MOST_THREADS):
            if until is not None and time.monotonic() >= until:
                # Not begun: nobody would wait for it, and it would be in the way of others.
                found |= {name: self._late(name) for name, _ in some}
                continue
            futures = {name: in_thread(name, call) for name, call in some}
            wait(futures.values(), None if until is None else max(0.0, until - time.monotonic()))
            for name, future in futures.items():
                if not future.done():
                    found[name] = self._late(name)
                    continue
                error = future.exception()
                if error is not None and not isinstance(error, Exception):
                    raise error
                found[name] = future.result() if error is None else error
        return found

    def _late(self, name: str) -> SearchTimeoutError:
        return SearchTimeoutError(
            f"{name} has not answered in time, within the search's timeout_s = {self._timeout_s:g}"
        )


def batched(items: Iterable[T], n: int) -> Iterator[list[T]]:
    """The items in lists of n."""
    rest = iter(items)
    while some := list(islice(rest, n)):
        yield some


def in_thread(name: str, call: Callable[[], T]) -> "Future[T]":
    """The call, begun in a thread of its own that does not keep the process from ending."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # who stops waiting does not take the result away
    context = copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(call))
        except BaseException as error:  # it is raised again where the result is wanted
            future.set_exception(error)

    threading.Thread(target=run, name=f"retrievo-{name}", daemon=True).start()
    return future
