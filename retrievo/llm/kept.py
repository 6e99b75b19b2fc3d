"""Answers that a model gave before: in memory, or in one file that outlives the process."""

import threading
from collections import OrderedDict
from pathlib import Path

from retrievo.errors import ConfigError
from retrievo.llm.answer_file import AnswerFile

_MOST = 10_000
"""Answers in memory; the one that was not asked for the longest goes first."""


class Kept:
    """What an argument `cache` stands for: "memory", the path of a file, or "off".

    A file is opened at once, and may be shared by processes. Raises ConfigError where it cannot be
    used; what goes wrong with it later is told once, and nothing is kept from then on.
    """

    def __init__(self, setting: str | Path | None) -> None:
        words = ("memory", "off")
        word = isinstance(setting, str) and not any(mark in setting for mark in "./\\")
        if word and setting not in words:
            raise ConfigError(
                f"cache is {setting!r}; 'memory', 'off' or the path of a file is wanted, such as "
                "'./answers.sqlite'"
            )
        self._memory: OrderedDict[bytes, str] | None = (
            OrderedDict() if setting == "memory" else None
        )
        self._turn = threading.Lock()
        self._file = AnswerFile(None if setting in words else setting, what="answers")

    def read(self, key: bytes) -> str | None:
        """The answer; None where it is not kept."""
        if self._memory is None:
            return self._file.read([key]).get(key)
        with self._turn:
            answer = self._memory.get(key)
            if answer is not None:
                self._memory.move_to_end(key)
            return answer

    def write(self, key: bytes, answer: str) -> None:
        """Keep an answer."""
        if self._memory is None:
            self._file.write(key, answer)
            return
        with self._turn:
            self._memory[key] = answer
            self._memory.move_to_end(key)
            if len(self._memory) > _MOST:
                self._memory.popitem(last=False)

    def close(self) -> None:
        """Let go of the file; the next use opens it again."""
        self._file.close()
