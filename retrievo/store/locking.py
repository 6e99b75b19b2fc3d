"""Many readers or one writer, in threads of one process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Readers share it, a writer has it alone; a waiting writer goes before new readers.

    A thread that reads may read again inside; the writer may read and write again inside.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._readers = 0
        self._writer: int | None = None
        self._depth = 0
        self._waiting = 0
        self._mine = threading.local()

    @contextmanager
    def reading(self) -> Iterator[None]:
        held = getattr(self._mine, "reads", 0)
        alone = self._writer == threading.get_ident()
        if not held and not alone:
            with self._condition:
                while self._writer is not None or self._waiting:
                    self._condition.wait()
                self._readers += 1
        self._mine.reads = held + 1
        try:
            yield
        finally:
            self._mine.reads = held
            if not held and not alone:
                with self._condition:
                    self._readers -= 1
                    self._condition.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        me = threading.get_ident()
        if self._writer == me:
            self._depth += 1
        else:
            if getattr(self._mine, "reads", 0):
                raise RuntimeError(
                    "a thread that reads a store cannot write to it inside that read"
                )
            with self._condition:
                self._waiting += 1
                try:
                    while self._writer is not None or self._readers:
                        self._condition.wait()
                    self._writer, self._depth = me, 1
                finally:
                    # An interrupt while it waits must not keep the readers out for ever.
                    self._waiting -= 1
                    self._condition.notify_all()
        try:
            yield
        finally:
            self._depth -= 1
            if not self._depth:
                with self._condition:
                    self._writer = None
                    self._condition.notify_all()
