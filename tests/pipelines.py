"""Small documents and parts that count, for tests of the pipeline."""

import numpy as np

from retrievo.types import Document

TEXTS = {
    "keys": "How to rotate an API key. Keys expire after ninety days.",
    "vault": "The vault stores secrets and tokens. Tokens are short-lived.",
    "moon": "The moon is far away from the earth. It has no air.",
    "bread": "Bread is made of flour, water and salt. Bake it in a hot oven.",
}


def documents(**changed):
    return [
        Document(name, text, {"kind": "note", "length": len(text)}, f"About {name}")
        for name, text in {**TEXTS, **changed}.items()
    ]


class CountingEncoder:
    """Deterministic unit vectors of letter counts; remembers every text it was given."""

    dim = 26
    max_tokens = None
    dense_weight = 0.5

    def __init__(self, fingerprint="counting-1"):
        self.fingerprint = fingerprint
        self.encoded = []

    def encode_document(self, texts):
        self.encoded += texts
        return self._encode(texts)

    def encode_query(self, texts):
        return self._encode(texts)

    def _encode(self, texts):
        vectors = np.zeros((len(texts), 26), np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    vectors[row, ord(letter) - 97] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(norms > 0, norms, 1)


class FailingEncoder(CountingEncoder):
    """Fails at the n-th call, as a remote encoder does."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def encode_document(self, texts):
        if self.left == 0:
            raise ConnectionError("the encoder is down")
        self.left -= 1
        return super().encode_document(texts)
