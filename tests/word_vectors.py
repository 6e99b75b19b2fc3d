"""An encoder of tokens without a model: a word's vector is drawn by the word."""

import re
from zlib import crc32

import numpy as np

from retrievo.types import MultiRows


class WordVectors:
    """A unit vector a word, for queries the same as for documents."""

    max_tokens = None
    dense_weight = 0.5
    fingerprint = "words-1"

    def __init__(self, dim=12):
        self.dim = dim

    def token_spans(self, text):
        spans = [match.span() for match in re.finditer(r"\w+", text)]
        return np.array(spans, np.int32).reshape(-1, 2)

    def encode_tokens(self, texts, *, query):
        words = [re.findall(r"\w+", text) for text in texts]
        indptr = np.concatenate([[0], np.cumsum([len(found) for found in words])]).astype(np.int64)
        drawn = [self.word(word) for found in words for word in found]
        return MultiRows(indptr, np.array(drawn, np.float32).reshape(-1, self.dim))

    def word(self, word):
        vector = np.random.default_rng(crc32(word.lower().encode())).normal(size=self.dim)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def encode_document(self, texts):
        rows = self.encode_tokens(texts, query=False)
        means = [rows[i].sum(axis=0) for i in range(len(rows))]
        made = np.array(means, np.float32).reshape(len(texts), self.dim)
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)

    encode_query = encode_document
