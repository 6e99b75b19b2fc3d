"""Semantic search: one vector a chunk, compared by inner product."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from retrievo.contracts import Ask, Encoder, Items, Space, Store
from retrievo.errors import ConfigError, EncoderError
from retrievo.filters import Filter
from retrievo.retrieve.rescue import Rescue, When
from retrievo.types import Candidates, Query, Rows, Scores, Vectors

DEPTH = 100

RESCORED = 200
"""Candidates that a teacher scores again: of its own nDCG@10 on docs_qa 99.1 % came back with 100
of a static student's candidates."""


class DenseRetriever:
    """Chunks by the document encoder, queries by the query encoder or, without one, by the same.

    Scores are inner products: cosines, between -1 and 1, for encoders that give unit vectors. Of
    others the scores have no bound, and a fusion normalises them by their list.

    `depth` is 100, and 200 with `rescore = "teacher"`: the best `depth` of a cheap query encoder
    then get the scores, and the order, of the document encoder's own vector of the query.
    `rescore_when = "unsure"` asks it only where the first and the tenth score are nearer than
    `rescore_margin`, which a student that `retrievo distill` made brings along.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store,
        *,
        query_encoder: Encoder | None = None,
        depth: int | None = None,
        representation: str = "dense",
        rescore: Literal["teacher"] | None = None,
        rescore_when: When = "always",
        rescore_margin: float | None = None,
    ) -> None:
        if depth is None:
            depth = DEPTH if rescore is None else RESCORED
        if depth < 1:
            raise ConfigError(f"dense wants depth >= 1, got {depth}")
        self.depth = depth
        self._encoder = encoder
        self._query_encoder = query_encoder or encoder
        self._store = store
        self._name = representation
        self._rescue: Rescue | None = None
        if rescore is not None:
            margin = _margin(query_encoder, rescore_when, rescore_margin)
            self._rescue = Rescue(
                store, representation, self._by_teacher, when=rescore_when, margin=margin
            )
            self.first_stage = self._first_stage
        elif rescore_when != "always" or rescore_margin is not None:
            raise ConfigError("rescore_when and rescore_margin go with rescore = 'teacher'")

    @property
    def representations(self) -> Mapping[str, Space]:
        return {self._name: Space("dense", self._encoder.dim)}

    def represent(self, items: Items) -> Mapping[str, Vectors]:
        texts = [chunk.indexed_text for _, chunks in items for chunk in chunks]
        if not texts:
            return {self._name: np.empty((0, self._encoder.dim), np.float32)}
        vectors = self._encoder.encode_document(texts)
        return {self._name: _checked(self._encoder, vectors, len(texts))}

    def prepare(self, queries: Sequence[Query], filters: Filter | None = None) -> None:
        """Encode the queries that are not; their vectors stay with them."""
        vectors = self._encode(queries)
        if self._rescue is not None:
            self._rescue.prepare(queries, vectors, filters)

    def _by_teacher(self, texts: Sequence[str]) -> Vectors:
        return _checked(self._encoder, self._encoder.encode_query(texts), len(texts))

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        self.prepare(queries, filters)
        asked = self.ask(queries)
        return asked.finish(self._store.search(self._name, asked.rows, depth, filters))

    def ask(self, queries: Sequence[Query]) -> Ask:
        """The queries' vectors, and how candidates get their bound."""
        vectors = self._encode(queries)
        weight = getattr(self._encoder, "dense_weight", None)
        lengths = np.linalg.norm(vectors, axis=1).tolist()
        rescue = self._rescue
        if rescue is not None:
            lengths = [
                own if (other := rescue.length(query)) is None else other
                for own, query in zip(lengths, queries, strict=True)
            ]

        def finish(found: list[Candidates]) -> list[Candidates]:
            if rescue is not None:
                found = rescue.again(queries, found)
            return [
                replace(c, bound=_bound(length, c), weight=weight)
                for length, c in zip(lengths, found, strict=True)
            ]

        return Ask(self._name, vectors, finish)

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        return self._store.score(self._name, self._encode(queries), rows)

    def _first_stage(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        """The candidates as the query encoder has them: what is beyond them is never rescored."""
        return self._store.search(self._name, self._encode(queries), depth, filters)

    def _encode(self, queries: Sequence[Query]) -> Vectors:
        missing = [query for query in queries if self._name not in query.vectors]
        if missing:
            texts = [query.text for query in missing]
            encoder = self._query_encoder
            vectors = _checked(encoder, encoder.encode_query(texts), len(texts))
            for query, vector in zip(missing, vectors, strict=True):
                query.vectors[self._name] = vector
        return np.stack([query.vectors[self._name] for query in queries])


def _margin(query_encoder: Encoder | None, when: When, given: float | None) -> float | None:
    """Below which gap a query encoder is unsure; None where that does not matter.

    Raises ConfigError where there is no query encoder to be unsure, or nothing says what is.
    """
    if query_encoder is None:
        raise ConfigError(
            "rescore = 'teacher' scores again what a [query_encoder] has found, and there is none: "
            "the document encoder's own queries are the teacher's already"
        )
    if when == "always":
        if given is not None:
            raise ConfigError("rescore_margin goes with rescore_when = 'unsure'")
        return None
    if given is None:
        given = getattr(getattr(query_encoder, "card", None), "margin", None)
    if given is None:
        raise ConfigError(
            "rescore_when = 'unsure' wants a rescore_margin: this query encoder brings none "
            "(students that `retrievo distill` has measured with queries do)"
        )
    if not 0 <= given < float("inf"):
        raise ConfigError(f"rescore_margin is {given}; a number from 0 up is wanted")
    return given


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
