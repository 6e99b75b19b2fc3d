"""How far down a slow reranker reads: in batches from the best candidate, until its time is up."""

import time
from collections.abc import Callable, Iterator, Sequence

from retrievo.arguments import check_number

Clock = Callable[[], float]
"""Seconds, from any beginning."""


class Budget:
    """The milliseconds that one ranking may take, None for no limit, by a clock.

    Threads share it: all that it measures belongs to one call of `batches`.
    """

    def __init__(self, budget_ms: float | None, clock: Clock = time.perf_counter) -> None:
        if budget_ms is not None:
            check_number("budget_ms", budget_ms, above=True)
        self._seconds = None if budget_ms is None else budget_ms / 1000
        self.clock = clock

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self._seconds is not None

    def fits(self, elapsed_s: float, next_s: float) -> bool:
        """Whether what is expected to take so long, after so long, stays within the budget."""
        return self._seconds is None or elapsed_s + next_s <= self._seconds

    def left_s(self, elapsed_s: float) -> float:
        """The seconds that are left after so many."""
        return float("inf") if self._seconds is None else self._seconds - elapsed_s

    def batches(self, work: Sequence[float], size: int) -> Iterator[range]:
        """Consecutive places of the candidates, of which the caller reads each batch at once.

        `work` is what each candidate takes, in any unit (characters, say). The first batch always
        comes; another one only while it is expected to end within the budget, by the time that the
        work so far has taken. Without a limit all are one batch: the caller sorts them best.
        """
        n = len(work)
        if not self.limited:
            if n:
                yield range(n)
            return
        begun = self.clock()
        done = 0.0
        for start in range(0, n, size):
            places = range(start, min(start + size, n))
            wanted = sum(work[place] for place in places)
            if start:
                elapsed = self.clock() - begun
                if not self.fits(elapsed, elapsed * wanted / max(done, 1e-9)):
                    return
            yield places
            done += wanted
