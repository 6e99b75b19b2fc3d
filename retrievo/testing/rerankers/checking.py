"""How the tests of a reranker call it, and what is looked at in every answer."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from retrievo.contracts import Encoder, Reranker, Store
from retrievo.errors import RetrievoWarning, SearchError
from retrievo.pipeline import Pipeline
from retrievo.retrieve.dense import DenseRetriever
from retrievo.types import Candidates, Chunk, Document, Found, Query

QUERIES = (
    "how do I rotate a key?",
    "bread from a hot oven",
    "Which of the parrots in the library speaks of glaciers?",
    "日本語のテキスト",
)

TEXTS = (
    "Keys are rotated once a quarter, by whoever is on call.",
    "Bread is baked in a hot oven, of flour and water.",
    "The vault keeps the keys; its door has two locks.",
    "Let the oven cool down before it is cleaned.",
    "The parrot sits by the window of the library and speaks.",
    "Glaciers melt in the sun, and rivers rise.",
    "A key.",
    "Keys are rotated once a quarter, by whoever is on call.",
)
"""The first and the last are the same."""


def chunks_of(texts: Sequence[str]) -> list[Chunk]:
    """A chunk of a document of its own for each text."""
    return [Chunk(f"doc-{at}", text, 0, len(text)) for at, text in enumerate(texts)]


class SampleIndex:
    """An index of the TEXTS, with a static encoder, a dense branch and BM25."""

    def __init__(self) -> None:
        self.encoder: Encoder = Pipeline.part("encoder", "static")
        self.pipeline = Pipeline(encoder=self.encoder)
        self.pipeline.index(Document(f"doc-{at}", text) for at, text in enumerate(TEXTS))
        self.store: Store = self.pipeline.store
        self._dense = DenseRetriever(self.encoder, self.store)

    def found(self, text: str) -> Found:
        """What the dense branch finds: all chunks, best first."""
        [found] = self._dense.search([Query(text)], len(TEXTS))
        return Found(self.store.get(found.rows), found.rows, found.scores)


def ranked(reranker: Reranker, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
    """What `rank` gives, with its warnings left out, checked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetrievoWarning)
        answer: Any = reranker.rank(query, chunks, top_k)
    return checked(answer, len(chunks), top_k)


def ranked_or_refused(
    reranker: Reranker, query: str, chunks: Sequence[Chunk], top_k: int
) -> Candidates | None:
    """The same; None where the reranker says by a SearchError that it cannot."""
    try:
        return ranked(reranker, query, chunks, top_k)
    except SearchError:
        return None


def ranked_found(reranker: Any, query: Query, found: Found, top_k: int) -> Candidates:
    """What a search asks for: `rank_found` where there is one, else `rank`."""
    if not hasattr(reranker, "rank_found"):
        return ranked(reranker, query.text, found.chunks, top_k)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetrievoWarning)
        answer = reranker.rank_found(query, found, top_k)
    return checked(answer, len(found), top_k)


def checked(answer: Any, n: int, top_k: int) -> Candidates:
    """The answer, whose positions are among n chunks, each at most once, at most `top_k`."""
    assert isinstance(answer, Candidates), f"a {type(answer).__name__} came, Candidates are wanted"
    rows, scores = answer.rows, answer.scores
    assert isinstance(rows, np.ndarray) and rows.ndim == 1, "rows are no one-dimensional array"
    assert rows.dtype == np.int64, f"positions are {rows.dtype}, int64 is wanted"
    assert isinstance(scores, np.ndarray), f"scores are a {type(scores).__name__}, no array"
    assert scores.shape == rows.shape, f"{len(scores)} scores for {len(rows)} positions"
    assert scores.dtype == np.float32, f"scores are {scores.dtype}, float32 is wanted"
    assert np.isfinite(scores).all(), "a score is no number"
    found = rows.tolist()
    assert all(0 <= place < n for place in found), f"a position of {found} is not among 0 to {n}"
    assert len(set(found)) == len(found), f"a position came twice: {found}"
    assert len(found) <= top_k, f"{len(found)} positions came, {top_k} were asked for"
    # A search takes the order as it is; who sorts by the score afterwards must find the same.
    assert (np.diff(scores) <= 0).all(), f"scores rise on the way down: {scores.tolist()}"
    return answer
