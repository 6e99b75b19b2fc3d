"""Which token of a chunk each token of a query found, with what it gave to the score."""

from typing import NamedTuple

import numpy as np

from retrievo.contracts import Encoder, Spans
from retrievo.retrieve.token_pooling import clusters, means
from retrievo.types import TokenScore, Vectors


class Matched(NamedTuple):
    """A text, float32[n, dim] of its tokens, and what encoded them."""

    text: str
    vectors: Vectors
    encoder: Encoder

    def places(self, *, query: bool) -> Spans:
        """Where the n vectors come from, empty spans where that cannot be told."""
        told = getattr(self.encoder, "token_places", None)
        if told is not None:
            found = told(self.text, query=query)
        else:
            spans = getattr(self.encoder, "token_spans", None)
            found = None if spans is None else spans(self.text)
        n = len(self.vectors)
        if found is None or len(found) != n:
            return np.zeros((n, 2), np.int32)
        made: Spans = found
        return made


def matches(query: Matched, chunk: Matched, context: int, pool_factor: int) -> list[TokenScore]:
    """A TokenScore for each token of the query that has a vector; they add up to the MaxSim.

    The first `context` characters of the chunk's text are its context. Of pooled tokens all that
    were joined are matched together. Spans are empty for what stands in no text (special tokens, a
    query's expansion), and for a match in the context.
    """
    if not len(chunk.vectors):
        return []
    labels = clusters(chunk.vectors, pool_factor)
    kept = means(chunk.vectors, labels) if pool_factor > 1 else chunk.vectors
    similar = query.vectors @ kept.T
    query_places, places = query.places(query=True), chunk.places(query=False)
    made = []
    for at, best in enumerate(similar.argmax(axis=1).tolist()):
        start, end = query_places[at].tolist()
        spans = [
            (a - context, b - context)
            for a, b in places[labels == best].tolist()
            if context <= a < b
        ]
        score = float(similar[at, best])
        made.append(TokenScore(query.text[start:end], (start, end), spans, score))
    return made
