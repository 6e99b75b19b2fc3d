"""Semantic search: one vector a chunk, compared by inner product."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from retrievo.contracts import Ask, Encoder, Items, Space, Store
from retrievo.errors import ConfigError
from retrievo.filters import Filter
from retrievo.retrieve.fields import field_vectors
from retrievo.retrieve.rescue import Rescue, When
from retrievo.retrieve.situating import Context, Situating
from retrievo.retrieve.steering import STRENGTH, steered
from retrievo.retrieve.vectors import checked_vectors
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

    `context` says what a chunk's vector knows of its document: "none"; "late", its tokens' states
    from a reading of the whole document; "situated", the mean of both vectors, weighted by `alpha`
    (the share of the chunk's own, .5); "situated-pair", both side by side, whose similarities add
    up in the same shares, so that `alpha` is a matter of the search alone. `residual` is the model
    of the second vector, where it has one of its own: its name, or an encoder.

    `field` makes the branch one of an aspect: what is encoded is not the chunk's text but the
    document's title ("title") or the value of a metadata key, whose chunks without one have a
    vector of zeros. Its representation is "dense-" and the field, unless it is named.
    A query's `steer` moves its vector; `steer_strength` says how far one text does.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store,
        *,
        query_encoder: Encoder | None = None,
        depth: int | None = None,
        representation: str | None = None,
        field: str | None = None,
        steer_strength: float = STRENGTH,
        rescore: Literal["teacher"] | None = None,
        rescore_when: When = "always",
        rescore_margin: float | None = None,
        context: Context = "none",
        alpha: float | None = None,
        residual: Encoder | str | None = None,
    ) -> None:
        if depth is None:
            depth = DEPTH if rescore is None else RESCORED
        if depth < 1:
            raise ConfigError(f"dense wants depth >= 1, got {depth}")
        if field is not None and (not field or context != "none"):
            raise ConfigError(
                f"field is {field!r} and context {context!r}; a field is encoded by itself: name a "
                "metadata key or 'title', and leave context out"
            )
        if not 0 <= steer_strength < float("inf"):
            raise ConfigError(f"steer_strength is {steer_strength}; a number from 0 up is wanted")
        self._field, self._steer_strength = field, steer_strength
        if representation is None:
            representation = "dense" if field is None else f"dense-{field}"
        self.depth = depth
        self._encoder = encoder
        self._situating = Situating(encoder, context, alpha, residual)
        self.whole_document = context != "none"
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
    def context(self) -> Context:
        """What a chunk's vector knows of its document."""
        return self._situating.context

    @property
    def alpha(self) -> float:
        """The share of a chunk's own vector; of a pair it may be set at any time."""
        return self._situating.alpha

    @alpha.setter
    def alpha(self, alpha: float) -> None:
        if self.context != "situated-pair":
            raise ConfigError("alpha is in the vectors of this index: only a pair's may be set")
        self._situating = Situating(self._encoder, self.context, alpha, self._situating.residual)

    @property
    def representations(self) -> Mapping[str, Space]:
        settings = self._situating.settings if self._field is None else f"field {self._field}"
        return {self._name: Space("dense", self._situating.dim, settings)}

    def represent(self, items: Items) -> Mapping[str, Vectors]:
        n = sum(len(chunks) for _, chunks in items)
        dim = self._situating.dim
        if not n:
            return {self._name: np.empty((0, dim), np.float32)}
        if self._field is not None:
            return {self._name: field_vectors(self._encoder, items, self._field)}
        return {
            self._name: checked_vectors(self._encoder, self._situating.documents(items), n, dim)
        }

    def prepare(self, queries: Sequence[Query], filters: Filter | None = None) -> None:
        """Encode the queries that are not; their vectors stay with them."""
        vectors = self._encode(queries)
        if self._rescue is not None:
            self._rescue.prepare(queries, vectors, filters)

    def _by_teacher(self, queries: Sequence[Query]) -> Vectors:
        vectors = self._queries(self._encoder, [query.text for query in queries])
        return self._steered(vectors, queries, self._encoder)

    def _steered(self, vectors: Vectors, queries: Sequence[Query], encoder: Encoder) -> Vectors:
        encode = partial(self._queries, encoder)
        return steered(vectors, queries, encode, self._steer_strength)

    def _queries(self, encoder: Encoder, texts: Sequence[str]) -> Vectors:
        vectors = checked_vectors(encoder, encoder.encode_query(texts), len(texts), encoder.dim)
        return self._situating.queries(vectors, texts)

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        if not queries:
            return []
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
        """On the scale of a search: of the teacher's vector, where it decides the scores."""
        if not queries:
            return []
        vectors = self._encode(queries)
        if self._rescue is not None:
            self._rescue.prepare(queries, vectors, None)
            vectors = vectors.copy()
            for at, query in enumerate(queries):
                teacher = self._rescue.vector(query)
                if teacher is not None:
                    vectors[at] = teacher
        return self._store.score(self._name, vectors, rows)

    def _first_stage(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        """The candidates as the query encoder has them: what is beyond them is never rescored."""
        return self._store.search(self._name, self._encode(queries), depth, filters)

    def _encode(self, queries: Sequence[Query]) -> Vectors:
        if not queries:
            return np.empty((0, self._situating.dim), np.float32)
        missing = [query for query in queries if self._name not in query.vectors]
        if missing:
            texts = [query.text for query in missing]
            vectors = self._queries(self._query_encoder, texts)
            for query, vector in zip(missing, vectors, strict=True):
                query.vectors[self._name] = vector
        moved = [q for q in queries if q.steer and self._steered_name not in q.vectors]
        if moved:
            vectors = np.stack([query.vectors[self._name] for query in moved])
            vectors = self._steered(vectors, moved, self._query_encoder)
            for query, vector in zip(moved, vectors, strict=True):
                query.vectors[self._steered_name] = vector
        names = [self._steered_name if query.steer else self._name for query in queries]
        return np.stack([q.vectors[name] for q, name in zip(queries, names, strict=True)])

    @property
    def _steered_name(self) -> str:
        return f"{self._name}.steered"


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
