"""Outlines source code in a process of its own, which can be ended.

A file of 20 KB that nobody would write keeps tree-sitter busy for minutes (`->` ten thousand times
as JavaScript: five of them), inside of C code that neither a signal nor tree-sitter's own progress
callback interrupts; and a grammar's scanner is C code that may crash.
"""

import json
import os
import subprocess
import sys
import threading
import weakref
from typing import IO, Any

from retrievo.chunk.code_outline import Outline, outline

SECONDS = 20.0
"""How long tree-sitter may take over one text; half a second is usual for a million characters."""

_RUN = "import sys; sys.path[:] = {path!r}; from retrievo.chunk.code_child import serve; serve()"


class Child:
    """One process, started with the first text, that reads one text after another."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def outline(self, language: str, text: str, starts: list[int], budget: int) -> Outline | str:
        """The outline of a text, or why there is none: it took too long, or the process ended."""
        with self._lock:
            try:
                process = self._running()
            except OSError as error:
                return f"no process for it could be started ({error})"
            late = threading.Event()

            def end() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(self._seconds, end)
            timer.start()
            try:
                assert process.stdin is not None and process.stdout is not None
                _write(process.stdin, (language, text, starts, budget))
                answer = json.loads(process.stdout.readline())
                return answer if isinstance(answer, str) else _read(answer)
            except BaseException as error:
                # The answer of an interrupted call must not be read by the next one.
                self._process = None
                _end(process, self._owner)
                if not isinstance(error, OSError | ValueError):
                    raise
                # It went away: nothing came, or half an answer.
                if late.is_set():
                    return f"tree-sitter took longer than {self._seconds:g} seconds over it"
                return f"tree-sitter's process ended with status {process.returncode}"
            finally:
                timer.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        # After a fork the pipes belong to the parent.
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _RUN.format(path=[str(path) for path in sys.path])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._owner = os.getpid()
            weakref.finalize(self, _end, self._process, self._owner)
        return self._process


CHILD = Child()
"""The one of this process: all chunkers share it."""


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:  # a forked copy comes to its own end
        return
    process.kill()
    for pipe in (process.stdin, process.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:  # what was not yet written has no reader any more
            pass
    process.wait()


def serve() -> None:
    """Answer what comes through standard input, a line of JSON each, until it ends."""
    for line in sys.stdin.buffer:
        try:
            answer: object = outline(*json.loads(line))
        except Exception as error:  # told by the chunker; the next text may go well
            answer = f"{type(error).__name__}: {error}"
        _write(sys.stdout.buffer, answer)


def _write(pipe: IO[bytes], value: object) -> None:
    pipe.write(json.dumps(value).encode("ascii") + b"\n")
    pipe.flush()


def _read(answer: list[Any]) -> Outline:
    runs, kept, levels, symbols = answer
    return Outline(
        [(start, end, tuple(path), above, name) for start, end, path, above, name in runs],
        [(start, end) for start, end in kept],
        levels,
        [(start, name) for start, name in symbols],
    )
