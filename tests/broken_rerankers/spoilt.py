"""What all of them are made of."""

import numpy as np

from retrievo.types import Candidates


class Spoilt:
    """By the share of the query's words that a text has, for a subclass to spoil."""

    depth = 20

    def rank(self, query, chunks, top_k):
        scores = self.scored(query, [chunk.indexed_text for chunk in chunks])
        order = np.argsort(-scores, kind="stable")[:top_k]
        return self.answer(order.astype(np.int64), scores[order])

    def rank_found(self, query, found, top_k):
        return self.rank(query.text, found.chunks, top_k)

    def scored(self, query, texts):
        words = set(query.lower().split())
        shares = [len(words & set(text.lower().split())) / (1 + len(words)) for text in texts]
        return np.array(shares, np.float32)

    def answer(self, rows, scores):
        return Candidates(rows, scores, 1.0, scored_by=["words"] * len(rows))
