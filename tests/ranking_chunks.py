"""Chunks, and what a search found, for the tests of rerankers."""

import numpy as np

from retrievo.types import Chunk, Found


def chunks_of(*texts):
    return [Chunk(f"doc-{at}", text, 0, len(text)) for at, text in enumerate(texts)]


def found(chunks, scores, rows=None):
    rows = np.arange(len(chunks)) if rows is None else rows
    return Found(chunks, np.asarray(rows, np.int64), np.asarray(scores, np.float32))


class Clock:
    """A clock that goes on when it is told to, by seconds."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def passes(self, seconds):
        self.now += seconds
