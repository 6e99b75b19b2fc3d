"""Engines of a few hundred rows that have codes and a graph, and the exact answers they owe."""

import numpy as np

from retrievo.contracts import Space
from retrievo.store.columns.columns import Matching
from retrievo.store.local.engine import Engine

DIM = 16


def unit(rng, n, dim=DIM):
    made = rng.normal(size=(n, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def engine_of(path, vectors, **options):
    """An engine with the vectors as rows 0, 1, …, settled."""
    space = Space("dense", vectors.shape[1])
    made = Engine(path, {"dense": space}, create=True, **options)
    made.upsert(np.arange(len(vectors), dtype=np.int64), {"dense": vectors})
    made.flush()
    made.settle()
    return made


def best(vectors, query, depth, among=None):
    """The scores of the best, highest first, by an exact scan."""
    scores = vectors @ query if among is None else vectors[among] @ query
    return np.sort(scores)[::-1][:depth]


def matching(rows, total):
    return Matching(np.asarray(rows, np.int64), total)


def recall(found, vectors, query, depth, among=None):
    """The share of the exact best scores that was reached; equal vectors count as one another."""
    right = best(vectors, query, depth, among)
    last = right[-1] - 1e-5
    return min(1.0, float((found.scores[:depth] >= last).sum()) / len(right))
