"""A store that holds texts with metadata as one retriever represents them."""

import numpy as np

from retrievo.contracts import Batch, Space
from retrievo.passport import Passport
from retrievo.retrieve.bm25 import Bm25Retriever
from retrievo.types import Chunk, Document

WORDS = (
    "key rotate secret vault token index query store filter chunk encode model vector score rank "
    "fusion weight depth passage document title heading table code function class test run"
).split()


def corpus(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(3, 40))) for _ in range(n)]


BESIDE = {"beside": Space("dense", 1)}
"""Of a retriever that keeps nothing: a folder's index wants something to keep."""


def fill(store, retriever, texts, *, opened=False):
    """Documents d0, d1, … of (text, metadata), one chunk each."""
    spaces = dict(retriever.representations) or BESIDE
    if not opened:
        store.open(Passport({}, {}, "", spaces), {})
    items = [
        (Document(f"d{i}", text, metadata), [Chunk(f"d{i}", text, 0, len(text), metadata=metadata)])
        for i, (text, metadata) in enumerate(texts)
    ]
    fresh = np.full(len(items), -1, np.int64)
    kept = dict(retriever.represent(items)) or {"beside": np.ones((len(items), 1), np.float32)}
    store.write(Batch(items, ["f"] * len(items), kept, fresh))
    return retriever


def filled_with(store, texts, **arguments):
    return fill(store, Bm25Retriever(store, **arguments), texts)
