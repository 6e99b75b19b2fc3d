"""Batches of documents with one chunk and one given vector each, and a passport that fits them."""

import numpy as np

from retrievo.contracts import Batch, Space
from retrievo.passport import Passport
from retrievo.types import Chunk, Document


def passport(**spaces):
    return Passport({}, {}, "", spaces)


def dense(dim):
    return passport(dense=Space("dense", dim))


def batch(values, *, first=0, tenant=None, metadata=None, name="dense"):
    """Documents d0, d1, … from `first` on, the i-th with the i-th row of values."""
    numbers = range(first, first + len(values))
    documents = [Document(f"d{i}", f"text {i}", metadata(i) if metadata else {}) for i in numbers]
    items = [
        (one, [Chunk(one.id, one.text, 0, len(one.text), metadata=one.metadata)])
        for one in documents
    ]
    reuse = np.full(len(values), -1, np.int64)
    return Batch(items, ["1"] * len(values), {name: values}, reuse, tenant)


def clustered(n, dim, *, seed=0, clusters=40, spread=0.3):
    """Unit vectors around a few directions: what the vectors of texts are like."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(clusters, dim))
    vectors = centres[random.integers(0, clusters, n)] + spread * random.normal(size=(n, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def inseparable(n=4000, dim=64):
    """Two places far apart, and at each differences across both that are too small for any code."""
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    vectors = np.concatenate([np.zeros((n, 2)), 0.003 * random.normal(size=(n, dim - 2))], axis=1)
    vectors[np.arange(n), random.integers(0, 2, n)] = 8
    return (vectors @ turn).astype(np.float32)
