"""Maximal marginal relevance: what is relevant, and unlike what stands above it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrievo.arguments import check_number, check_whole
from retrievo.contracts import Encoder, Store
from retrievo.errors import EncoderError, SearchError
from retrievo.rerank.ordering import DEPTH, nothing
from retrievo.rerank.stored import keeps
from retrievo.retrieve.vectors import checked_vectors
from retrievo.types import Candidates, Chunk, Found, Query, Vectors

Values = npt.NDArray[np.float64]


class DiversityReranker:
    """Chunks in an order in which each is relevant and unlike those above it (MMR).

    The next one is that of the highest (1 - diversity) · relevance - diversity · likeness, which is
    its score (Carbonell and Goldstein 1998). `diversity` 0 is the order given, 1 looks at likeness
    alone, behind the first. Likeness is the highest cosine with a chunk above, 0 where it is
    negative; relevance is the score of the search, its highest 1 and its lowest 0.

    Vectors are those that the `store` keeps as `representation`; where it keeps none, `encoder`
    makes them. `scored_by` says which. The first `depth` candidates are looked at.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store | None = None,
        *,
        diversity: float = 0.3,
        representation: str = "dense",
        depth: int = DEPTH,
    ) -> None:
        check_number("diversity", diversity, most=1.0)
        check_whole("depth", depth, 1)
        self._encoder, self._store = encoder, store
        self._representation = representation
        self._diversity = float(diversity)
        self.depth = depth

    def rank(self, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
        """As `rank_found`, with relevance by the place alone: 1 for the first, 0 for the last."""
        n = len(chunks)
        if not n:
            return nothing()
        relevance = 1 - np.arange(n, dtype=np.float64) / max(1, n - 1)
        return self._ranked(relevance, self._encoded(chunks), top_k, "encoded for this query")

    def rank_found(self, query: Query, found: Found, top_k: int) -> Candidates:
        """Positions in `found`, with the values that MMR chose them by.

        The cosine to the query would be another relevance, and forget what the other branches of
        the search said: with `diversity` 0 the order would not be the one given. Raises SearchError
        for scores that are not finite, and where no vectors can be had.
        """
        if not len(found):
            return nothing()
        stored = self._stored(found)
        if stored is None:
            vectors, source = self._encoded(found.chunks), "encoded for this query"
        else:
            vectors, source = stored, f"stored as {self._representation}"
        return self._ranked(_relevance(found.scores), vectors, top_k, source)

    def _stored(self, found: Found) -> Vectors | None:
        """The vectors of the store; None where it keeps none of that name."""
        kept = keeps(self._store, self._representation, "dense", "diversity")
        if self._store is None or not kept:
            return None
        vectors = self._store.vectors(self._representation, found.rows)
        return np.asarray(vectors, np.float32)

    def _encoded(self, chunks: Sequence[Chunk]) -> Vectors:
        texts = [chunk.indexed_text for chunk in chunks]
        try:
            made = self._encoder.encode_document(texts)
            return checked_vectors(self._encoder, made, len(texts), self._encoder.dim)
        except EncoderError as error:
            raise SearchError(f"diversity has no vectors to compare chunks by: {error}") from error

    def _ranked(self, relevance: Values, vectors: Vectors, top_k: int, source: str) -> Candidates:
        order, scores = marginal(relevance, vectors, self._diversity, min(top_k, len(relevance)))
        bound = 1 - self._diversity
        values = scores.astype(np.float32)
        return Candidates(order, values, bound, scored_by=[source] * len(order))


def _relevance(scores: npt.NDArray[np.float32]) -> Values:
    """The scores between 1 and 0, never rising from one candidate to the next; equal ones are 1."""
    values = np.asarray(scores, np.float64)
    if not np.isfinite(values).all():
        raise SearchError("diversity was handed scores that are no numbers; see the fusion")
    # Best first is what a search says of its order; where it is not, the order counts.
    values = np.minimum.accumulate(values)
    low, high = values[-1], values[0]
    return np.ones_like(values) if high <= low else (values - low) / (high - low)


def marginal(
    relevance: Values, vectors: Vectors, diversity: float, top_k: int
) -> tuple[npt.NDArray[np.int64], Values]:
    """The places that MMR chooses, in its order, and the value of each when it was chosen.

    Values never rise: what is chosen only makes the others less worth. Equal ones keep the order
    given. Vectors of any length; one of zeros is like nothing.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    units = vectors / np.where(lengths > 0, lengths, 1)
    weighed = (1 - diversity) * relevance
    likeness = np.zeros(len(relevance))
    left = np.ones(len(relevance), bool)
    order = np.empty(top_k, np.int64)
    scores = np.empty(top_k)
    for at in range(top_k):
        # diversity 1 has no relevance left to begin with: the first of all begins.
        values = np.where(left, weighed - diversity * likeness, -np.inf)
        best = int(np.argmax(values))
        order[at], scores[at] = best, values[best]
        left[best] = False
        likeness = np.maximum(likeness, units @ units[best])
    return order, scores
