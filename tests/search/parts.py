"""Parts of a search that answer as a test tells them to, or do not."""

import time
from types import MappingProxyType

import numpy as np

from retrievo.types import Candidates


class Given:
    """A retriever that gives the same rows and scores for every query."""

    representations = MappingProxyType({})

    def __init__(self, rows, scores, *, bound=1.0, exhaustive=False, depth=100, known=None):
        self.rows = np.array(rows, np.int64)
        self.scores = np.array(scores, np.float32)
        self.bound, self.exhaustive, self.depth = bound, exhaustive, depth
        if known is not None:
            self.score = lambda queries, rows: [
                np.array([known[row] for row in rows.tolist()], np.float32) for _ in queries
            ]

    def represent(self, items):
        return {}

    def search(self, queries, depth, filters=None):
        one = Candidates(self.rows[:depth], self.scores[:depth], self.bound, self.exhaustive)
        return [one for _ in queries]


class Raising(Given):
    def __init__(self, error):
        super().__init__([], [])
        self.error = error

    def search(self, queries, depth, filters=None):
        raise self.error


class Sleeping(Given):
    """Answers after a while; waits no longer than `released` is not set."""

    def __init__(self, rows, scores, seconds, **given):
        super().__init__(rows, scores, **given)
        self.seconds = seconds

    def search(self, queries, depth, filters=None):
        time.sleep(self.seconds)
        return super().search(queries, depth, filters)


class Waiting(Given):
    """Hangs until the event is set."""

    def __init__(self, event):
        super().__init__([], [])
        self.event = event

    def search(self, queries, depth, filters=None):
        self.event.wait(30)
        return super().search(queries, depth, filters)


class Reversing:
    """A reranker that turns the order round, of the first `reads` candidates."""

    def __init__(self, reads=None, depth=50):
        self.reads, self.depth = reads, depth

    def rank(self, query, chunks, top_k):
        n = min(len(chunks), self.reads or len(chunks))
        places = np.arange(n)[::-1][:top_k]
        return Candidates(places, np.arange(n, 0, -1, dtype=np.float32)[:top_k])


class Ranking:
    """A reranker that gives what it is told."""

    def __init__(self, answer):
        self.answer = answer

    def rank(self, query, chunks, top_k):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(chunks) if callable(self.answer) else self.answer
