"""What a search tells besides its hits: how long each step took, and what is worth knowing."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Account:
    """Seconds by step, and what there is to tell, of one batch of queries."""

    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[list[str]] = field(default_factory=list)
    scored_by: dict[int, Mapping[str, Mapping[int, str]]] = field(default_factory=dict)
    """Of each query, of each branch that scores in several ways: the way of each row."""

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.timings[step] = self.timings.get(step, 0.0) + time.perf_counter() - started
