"""One batch written in a thread of its own, while the next one is cut and encoded."""

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class Writer:
    """Runs one job at a time beside the caller, in the order given.

    An error of a job beside is raised by the next `submit` or by `finish`. Leaving the `with` block
    waits for the job that runs: a batch is written whole even where its caller is interrupted.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="retrievo-writer")
        self._running: Future[None] | None = None

    def submit(self, job: Callable[[], None], *, beside: bool) -> None:
        """Do the job once the one before has ended: beside the caller, or before returning."""
        self.finish()
        if not beside:
            job()
            return
        # The copy hands on where warnings are collected.
        self._running = self._thread.submit(contextvars.copy_context().run, job)

    def finish(self) -> None:
        """Wait until nothing runs. Raises what the job raised."""
        running, self._running = self._running, None
        if running is not None:
            try:
                running.result()
            except BaseException:
                # An interrupt of the caller leaves the job running; `__exit__` waits for it.
                if not running.done():
                    self._running = running
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True)
        if error is not None and self._running is not None and self._running.done():
            failed = self._running.exception()
            if failed is not None:
                error.add_note(f"and the batch before could not be written: {failed}")
