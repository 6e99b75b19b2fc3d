"""Semantic search: one vector a chunk, compared by inner product."""

from collections.abc import Mapping, Sequence

import numpy as np

from retrievo.contracts import Ask, Encoder, Items, Space, Store
from retrievo.errors import ConfigError, EncoderError
from retrievo.filters import Filter
from retrievo.types import Candidates, Query, Rows, Scores, Vectors


class DenseRetriever:
    """Chunks by the document encoder, queries by the query encoder or, without one, by the same.

    Scores are inner products: cosines, between -1 and 1, for encoders that give unit vectors. Of
    others the scores have no bound, and a fusion normalises them by their list.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store,
        *,
        query_encoder: Encoder | None = None,
        depth: int = 100,
        representation: str = "dense",
    ) -> None:
        if depth < 1:
            raise ConfigError(f"dense wants depth >= 1, got {depth}")
        self.depth = depth
        self._encoder = encoder
        self._query_encoder = query_encoder or encoder
        self._store = store
        self._name = representation

    @property
    def representations(self) -> Mapping[str, Space]:
        return {self._name: Space("dense", self._encoder.dim)}

    def represent(self, items: Items) -> Mapping[str, Vectors]:
        texts = [chunk.indexed_text for _, chunks in items for chunk in chunks]
        if not texts:
            return {self._name: np.empty((0, self._encoder.dim), np.float32)}
        vectors = self._encoder.encode_document(texts)
        return {self._name: _checked(self._encoder, vectors, len(texts))}

    def prepare(self, queries: Sequence[Query]) -> None:
        """Encode the queries that are not; their vectors stay with them."""
        missing = [query for query in queries if self._name not in query.vectors]
        if missing:
            texts = [query.text for query in missing]
            vectors = _checked(
                self._query_encoder, self._query_encoder.encode_query(texts), len(texts)
            )
            for query, vector in zip(missing, vectors, strict=True):
                query.vectors[self._name] = vector

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        asked = self.ask(queries)
        return asked.finish(self._store.search(self._name, asked.rows, depth, filters))

    def ask(self, queries: Sequence[Query]) -> Ask:
        """The queries' vectors, and how candidates get their bound."""
        vectors = self._encode(queries)
        weight = getattr(self._encoder, "dense_weight", None)
        lengths = np.linalg.norm(vectors, axis=1).tolist()

        def finish(found: list[Candidates]) -> list[Candidates]:
            return [
                Candidates(c.rows, c.scores, _bound(length, c), c.exhaustive, weight)
                for length, c in zip(lengths, found, strict=True)
            ]

        return Ask(self._name, vectors, finish)

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        return self._store.score(self._name, self._encode(queries), rows)

    def _encode(self, queries: Sequence[Query]) -> Vectors:
        self.prepare(queries)
        return np.stack([query.vectors[self._name] for query in queries])


def _bound(length: float, found: Candidates) -> float | None:
    """1 for a cosine; None where vectors are not of unit length, so that nothing bounds them."""
    best = float(found.scores[0]) if len(found) else 0.0
    return 1.0 if max(length, best) <= 1.001 else None


def _checked(encoder: Encoder, vectors: Vectors, n: int) -> Vectors:
    """float32[n, dim], whatever the encoder thinks it is; a store must never see anything else."""
    name = type(encoder).__name__
    try:
        vectors = np.asarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise EncoderError(f"encoder {name} gave what is no array of numbers: {error}") from error
    if vectors.shape != (n, encoder.dim):
        raise EncoderError(
            f"encoder {name} gave an array of shape {vectors.shape} for {n} texts; "
            f"({n}, {encoder.dim}) is wanted"
        )
    if not np.isfinite(vectors).all():
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1)).tolist()
        raise EncoderError(
            f"encoder {name} gave a vector with NaN or infinity for {len(bad)} of {n} texts, "
            f"number {bad[0]} the first",
            texts=bad,
        )
    return vectors
