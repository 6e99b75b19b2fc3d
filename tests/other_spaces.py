"""Encoders of spaces that the counting encoder's documents cannot be compared in."""

import numpy as np
from pipelines import CountingEncoder


class Mixed(CountingEncoder):
    """Another space: the counting encoder's, turned, and a little bent."""

    def __init__(self, fail_at=None):
        super().__init__("mixed-1")
        rng = np.random.default_rng(3)
        self._turn = np.linalg.qr(rng.normal(size=(26, 26)))[0].astype(np.float32)
        self.fail_at = fail_at
        self.calls = 0

    def identity(self):
        return {"name": "mixed", "model": "mixed"}

    def encode_document(self, texts):
        self.calls += 1
        if self.fail_at is not None and self.calls > self.fail_at:
            raise ConnectionError("the encoder is down")
        return super().encode_document(texts)

    def _encode(self, texts):
        made = super()._encode(texts) @ self._turn
        made = made + 0.1 * made**2
        norms = np.linalg.norm(made, axis=1, keepdims=True)
        return (made / np.where(norms > 0, norms, 1)).astype(np.float32)


class Noise(Mixed):
    """A space that has nothing to do with any other."""

    def _encode(self, texts):
        seeds = [sum(map(ord, text)) for text in texts]
        rows = [np.random.default_rng(seed).normal(size=26) for seed in seeds]
        made = np.array(rows, np.float32).reshape(-1, 26)
        return made / np.linalg.norm(made, axis=1, keepdims=True)
