"""What a search tells besides its hits: how long each step took, and what is worth knowing."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from retrievo.types import Candidates


@dataclass(slots=True)
class Account:
    """Seconds by step, and what there is to tell, of one batch of queries."""

    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[list[str]] = field(default_factory=list)
    scored_by: dict[int, Mapping[str, Mapping[int, str]]] = field(default_factory=dict)
    """Of each query, of each branch that scores in several ways: the way of each row."""
    failed: dict[str, Exception] = field(default_factory=dict)
    """Branches that are out of this search, and why."""
    answers: dict[str, list[Candidates]] = field(default_factory=dict)
    """What the branches gave when they were asked last."""
    strict: bool = False

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = self.timings.get(step, 0.0) + time.perf_counter() - started

    def timing(self, step: str, call: Callable[..., Any], *given: Any) -> Callable[[], Any]:
        """The call with what it is given, its time counted for the step."""

        def timed() -> Any:
            with self.timed(step):
                return call(*given)

        return timed

    def tell(self, i: int, message: str) -> None:
        """Warn of the message once, with the i-th query's hits."""
        if message not in self.warnings[i]:
            self.warnings[i].append(message)

    def tell_all(self, message: str) -> None:
        for i in range(len(self.warnings)):
            self.tell(i, message)

    def out(self, branch: str, error: Exception) -> None:
        """A branch cannot answer. Raises its error where the search is strict."""
        if self.strict:
            raise error
        self.failed.setdefault(branch, error)

    def tell_failed(self, retrievers: Mapping[str, object]) -> None:
        """Say of each branch that is out that the others have answered."""
        rest = [name for name in retrievers if name not in self.failed]
        for name, error in self.failed.items():
            self.tell_all(f"{name} failed, and {', '.join(rest)} answered alone: {reason(error)}")

    def gone_on(self, i: int, step: str, error: Exception, instead: str) -> None:
        """A step failed, and the search goes on without it. Raises its error where it is strict."""
        if self.strict:
            raise error
        self.tell(i, f"{step} failed, {instead}: {reason(error)}")


def reason(error: Exception) -> str:
    """What an error says, with its kind; never more than a few lines of it."""
    said = str(error)
    return f"{type(error).__name__}: {said[:500]}" if said else type(error).__name__
