"""Search in two steps: a short vector finds candidates, the full one scores them again."""

from collections.abc import Mapping, Sequence

import numpy as np

from retrievo.contracts import Ask, Encoder, Items, Space, Store
from retrievo.errors import ConfigError
from retrievo.filters import Filter
from retrievo.retrieve.dense import DenseRetriever
from retrievo.types import Candidates, Query, Rows, Scores, Vectors

SHORT_DIM = 64

DEPTH = 200
"""Candidates that are scored again: of the full nDCG@10 on scifact, 64 of the 384 numbers of
all-MiniLM-L6-v2 keep 96.6 % with 100, 98.9 % with 200, 99.4 % with 400; after a PCA they keep
99.7 % with 100 and with 200. Each costs as much as the one before it, and brings less."""


class CascadeRetriever:
    """The best `depth` chunks by a short vector, in the order of their full vectors.

    The index keeps both. The short vector is the first `short_dim` numbers of the full one, made as
    long as that again (Matryoshka: Kusupati et al. 2022), or what `short_encoder` gives. Scores are
    the full vectors' inner products, as of the retriever `dense`. A chunk that is not among the
    best `depth` by its short vector is not found, however near its full vector is.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store,
        *,
        query_encoder: Encoder | None = None,
        short_dim: int | None = None,
        short_encoder: Encoder | None = None,
        depth: int = DEPTH,
        representation: str = "dense",
        short_representation: str = "dense-short",
    ) -> None:
        if depth < 1:
            raise ConfigError(f"cascade wants depth >= 1, got {depth}")
        if representation == short_representation:
            raise ConfigError(
                f"cascade keeps two vectors a chunk, and both are called {representation!r}; "
                "give short_representation another name"
            )
        if short_encoder is None:
            short_dim = SHORT_DIM if short_dim is None else short_dim
            if not 1 <= short_dim < encoder.dim:
                raise ConfigError(
                    f"cascade has short_dim = {short_dim}; from 1 to {encoder.dim - 1} are fewer "
                    f"than the {encoder.dim} dimensions of the encoder"
                )
        elif short_dim is not None:
            raise ConfigError(
                f"cascade has short_dim = {short_dim} and a short_encoder; leave one of them out "
                "(most encoders take truncate_dim)"
            )
        self.depth = depth
        self._store = store
        self._name, self._short_name = representation, short_representation
        self._full = DenseRetriever(
            encoder, store, query_encoder=query_encoder, representation=representation
        )
        self._short_dim = short_dim
        self._short_encoder = short_encoder
        self._short: DenseRetriever | None = None
        if short_encoder is not None:
            self._short = DenseRetriever(short_encoder, store, representation=short_representation)

    @property
    def representations(self) -> Mapping[str, Space]:
        # What the short vectors were made with belongs into the passport: the encoder in it is
        # that of the full ones.
        if self._short_encoder is None:
            short = Space("dense", self._short_dim, f"prefix of {self._name}")
        else:
            made_with = f"of the encoder {self._short_encoder.fingerprint}"
            short = Space("dense", self._short_encoder.dim, made_with)
        return {**self._full.representations, self._short_name: short}

    def represent(self, items: Items) -> Mapping[str, Vectors]:
        full = self._full.represent(items)
        if self._short is not None:
            return {**full, **self._short.represent(items)}
        return {**full, self._short_name: self._prefix(full[self._name])}

    def prepare(self, queries: Sequence[Query], filters: Filter | None = None) -> None:
        """Encode the queries that are not; their vectors stay with them."""
        self._full.prepare(queries, filters)
        if self._short is not None:
            self._short.prepare(queries, filters)
            return
        missing = [query for query in queries if self._short_name not in query.vectors]
        if missing:
            short = self._prefix(self._full_vectors(missing))
            for query, vector in zip(missing, short, strict=True):
                query.vectors[self._short_name] = vector

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        if not queries:
            return []
        asked = self.ask(queries)
        return asked.finish(self._store.search(self._short_name, asked.rows, depth, filters))

    def ask(self, queries: Sequence[Query]) -> Ask:
        """The queries' short vectors, and how candidates get the score of their full ones."""
        full = self._full.ask(queries)
        vectors = self._full_vectors(queries)

        def finish(found: list[Candidates]) -> list[Candidates]:
            pairs = zip(vectors, found, strict=True)
            return full.finish([self._scored_again(vector, one) for vector, one in pairs])

        return Ask(self._short_name, self._short_vectors(queries), finish)

    def first_stage(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        """The candidates as the short vectors have them: what is beyond them is never scored."""
        return self._store.search(self._short_name, self._short_vectors(queries), depth, filters)

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        return self._full.score(queries, rows)

    def _scored_again(self, vector: Vectors, found: Candidates) -> Candidates:
        if not len(found):
            return found
        [scores] = self._store.score(self._name, vector[None], found.rows)
        order = np.lexsort((found.rows, -scores))
        # All that matched and was found is still there: whether that is everything stays true.
        return Candidates(found.rows[order], scores[order], exhaustive=found.exhaustive)

    def _short_vectors(self, queries: Sequence[Query]) -> Vectors:
        self.prepare(queries)
        if self._short is not None:
            return _rows(self._short, queries)
        return np.stack([query.vectors[self._short_name] for query in queries])

    def _full_vectors(self, queries: Sequence[Query]) -> Vectors:
        return _rows(self._full, queries)

    def _prefix(self, vectors: Vectors) -> Vectors:
        """The first numbers of each vector, made as long as the whole.

        Of a unit vector that is a unit vector. Without it a cosine would favour documents whose
        weight happens to sit in the first numbers.
        """
        short = vectors[:, : self._short_dim]
        wanted = np.linalg.norm(vectors, axis=1, keepdims=True)
        found = np.linalg.norm(short, axis=1, keepdims=True)
        made: Vectors = short * (wanted / np.maximum(found, 1e-30))
        return made


def _rows(retriever: DenseRetriever, queries: Sequence[Query]) -> Vectors:
    """The queries' vectors as they are searched for: steered, where they are to be."""
    rows = retriever.ask(queries).rows
    assert isinstance(rows, np.ndarray)
    return rows
