"""Encoders of little computation that remember what they were asked, for tests of caches."""

import hashlib

import numpy as np

from retrievo.encode.encoded import Encoded

DIM = 24
KNOWN = {"side": "document", "prompt": "", "fingerprint": "model-1", "dim": DIM}


def vector_of(text, dim=DIM):
    """Numbers that depend on every byte of the text."""
    seed = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]
    return np.random.default_rng(int.from_bytes(seed, "big")).standard_normal(dim, np.float32)


class Maker:
    """What a cache calls for what it does not have; every character is a token, 5 are read."""

    def __init__(self, dim=DIM):
        self.dim = dim
        self.asked = []

    def __call__(self, texts):
        self.asked.append(list(texts))
        vectors = np.array([vector_of(text, self.dim) for text in texts], np.float32)
        total = np.array([len(text) for text in texts], np.int32)
        return Encoded(vectors.reshape(-1, self.dim), total, np.minimum(total, 5))


def asked(cache, texts, **changed):
    """What the cache gives, and what it had made for that."""
    maker = Maker(changed.get("dim", DIM))
    return cache.encode(texts, **{**KNOWN, **changed}, make=maker), maker.asked
