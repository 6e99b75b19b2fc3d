"""Many readers or one writer, in threads of one process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LOOK_AGAIN_S = 1.0
"""An interrupt can swallow the call that wakes the others; they look for themselves after this."""


class _Loan:
    """A read that is held, as other threads see it that work for the one that holds it."""

    __slots__ = ("held", "lock")

    def __init__(self, lock: "ReadWriteLock") -> None:
        self.lock = lock
        self.held = True


_loans: ContextVar[tuple[_Loan, ...]] = ContextVar("retrievo_loans", default=())


class ReadWriteLock:
    """Readers share it, a writer has it alone; a waiting writer goes before new readers.

    A thread that reads may read again inside; the writer may read and write again inside. A thread
    that runs in a copy of a reader's context reads beside it, also where a writer is waiting: who
    holds the read may be waiting for that thread.
    """

    # Python looks for an interrupt where a function of Python's own begins and after a call. So
    # what is counted is counted, and noted, with none between; and the state is guarded by the lock
    # itself, whose `with` is no such function, rather than by the condition.

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._condition = threading.Condition(self._state)
        self._readers = 0
        self._writer: int | None = None
        self._waiting = 0
        self._mine = threading.local()

    @contextmanager
    def reading(self) -> Iterator[None]:
        held = getattr(self._mine, "reads", 0)
        alone = self._writer == threading.get_ident()
        counted = False
        loans = _loans.get()
        mine = _Loan(self)
        try:
            if not held and not alone:
                theirs = [loan for loan in loans if loan.lock is self]
                with self._state:
                    while (self._writer is not None or self._waiting) and not any(
                        loan.held for loan in theirs
                    ):
                        self._condition.wait(LOOK_AGAIN_S)
                    self._readers += 1
                    counted = True
                _loans.set((*loans, mine))
            self._mine.reads = held + 1
            yield
        finally:
            self._mine.reads = held
            if counted:
                _loans.set(loans)
                with self._state:
                    mine.held = False
                    self._readers -= 1
                    self._condition.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        me = threading.get_ident()
        held = getattr(self._mine, "reads", 0)
        inside = self._writer == me
        taken = False
        if held and not inside:
            raise RuntimeError("a thread that reads a store cannot write to it inside that read")
        try:
            if not inside:
                with self._state:
                    self._waiting += 1
                    try:
                        while self._writer is not None or self._readers:
                            self._condition.wait(LOOK_AGAIN_S)
                        self._writer = me
                        taken = True
                    finally:
                        # An interrupt while it waits must not keep the readers out for ever.
                        self._waiting -= 1
                        self._condition.notify_all()
            yield
        finally:
            if taken:
                with self._state:
                    self._writer = None
                    self._condition.notify_all()
