"""Late interaction: a vector a token, each token of a query compared with each of a chunk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from retrievo.contracts import Ask, Encoder, Items, Space, Store
from retrievo.errors import ConfigError
from retrievo.filters import Filter
from retrievo.retrieve.muvera import FixedEncodings
from retrievo.retrieve.token_matches import Matched, matches
from retrievo.retrieve.token_pooling import pooled
from retrievo.retrieve.vectors import check_tokens, checked_tokens
from retrievo.types import (
    Candidates,
    Chunk,
    MultiRows,
    Query,
    Representation,
    Rows,
    Scores,
    TokenScore,
)

FirstStage = Literal["exact", "muvera"]

DEPTH = 100

MUVERA_DEPTH = 200
"""Candidates of the first stage, of which each is scored exactly."""


class LateInteractionRetriever:
    """Chunks by MaxSim: for each token of the query its best token of the chunk, added up.

    Khattab and Zaharia 2020 (ColBERT). The encoder must have `encode_tokens`: "multi-vector" for
    models that were trained for it, "sentence-transformers" for the token states of any other.
    Scores are between minus and plus the number of the query's tokens, which is their `bound`.

    `pool_factor` 2 keeps half as many vectors of a chunk, 3 a third: tokens that are alike are
    joined (Clavié et al. 2024). `first_stage` "exact" compares with every chunk; "muvera" finds
    candidates by one vector each (Dhulipala et al. 2024), kept as a dense representation, and
    scores the best `depth` of them, 200, exactly: a chunk that is not among them is not found.
    `repetitions`, `bits` and `projection` size that vector: their product, with 2^bits.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store,
        *,
        query_encoder: Encoder | None = None,
        depth: int | None = None,
        representation: str = "tokens",
        pool_factor: int = 1,
        first_stage: FirstStage = "exact",
        repetitions: int = 20,
        bits: int = 4,
        projection: int = 16,
    ) -> None:
        if first_stage not in get_args(FirstStage):
            raise ConfigError(f"first_stage is {first_stage!r}; one of {get_args(FirstStage)}")
        muvera = first_stage == "muvera"
        depth = (MUVERA_DEPTH if muvera else DEPTH) if depth is None else depth
        if depth < 1 or pool_factor < 1:
            raise ConfigError(
                f"late-interaction wants depth >= 1 and pool_factor >= 1; got {depth} and "
                f"{pool_factor}"
            )
        if "multi" not in store.capabilities:
            raise ConfigError(
                f"late-interaction keeps several vectors a chunk, and the store "
                f"{type(store).__name__} keeps none: it does not declare 'multi'"
            )
        self.depth = depth
        self._encoder, self._store = encoder, store
        self._query_encoder = query_encoder or encoder
        check_tokens("late-interaction", encoder, self._query_encoder)
        self._pool_factor, self._name = pool_factor, representation
        self._fde: FixedEncodings | None = None
        if muvera:
            self._fde = FixedEncodings(
                encoder.dim, repetitions=repetitions, bits=bits, projection=projection
            )
            self._fde_name = f"{representation}-fde"
            self.first_stage = self._first_stage

    @property
    def representations(self) -> Mapping[str, Space]:
        settings = "" if self._pool_factor == 1 else f"pooled {self._pool_factor}"
        spaces = {self._name: Space("multi", self._encoder.dim, settings)}
        if self._fde is not None:
            told = f"{self._fde.settings} of {self._name}"
            spaces[self._fde_name] = Space("dense", self._fde.size, told)
        return spaces

    def represent(self, items: Items) -> Mapping[str, Representation]:
        texts = [chunk.indexed_text for _, chunks in items for chunk in chunks]
        rows = self._documents(texts)
        if self._fde is None:
            return {self._name: rows}
        return {self._name: rows, self._fde_name: self._fde.documents(rows)}

    def _documents(self, texts: Sequence[str]) -> MultiRows:
        return pooled(checked_tokens(self._encoder, texts, query=False), self._pool_factor)

    def prepare(self, queries: Sequence[Query], filters: Filter | None = None) -> None:
        """Encode the queries that are not; their token vectors stay with them."""
        missing = [query for query in queries if self._name not in query.vectors]
        if missing:
            rows = checked_tokens(
                self._query_encoder, [query.text for query in missing], query=True
            )
            for at, query in enumerate(missing):
                query.vectors[self._name] = rows[at]

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        if not queries:
            return []
        asked = self.ask(queries)
        found = self._store.search(asked.representation, asked.rows, depth, filters)
        return asked.finish(found)

    def ask(self, queries: Sequence[Query]) -> Ask:
        """The queries' vectors, and how candidates get their scores and bound."""
        rows = self._rows(queries)
        if self._fde is None:
            return Ask(self._name, rows, self._finish(queries, lambda at, found: found))

        def exactly(at: int, found: Candidates) -> Candidates:
            return self._scored(rows[at], found)

        return Ask(self._fde_name, self._fde.queries(rows), self._finish(queries, exactly))

    def _finish(
        self, queries: Sequence[Query], scored: Callable[[int, Candidates], Candidates]
    ) -> Callable[[list[Candidates]], list[Candidates]]:
        weight = getattr(self._encoder, "dense_weight", None)

        def finish(found: list[Candidates]) -> list[Candidates]:
            made = []
            for at, (query, one) in enumerate(zip(queries, found, strict=True)):
                vectors = query.vectors[self._name]
                if not len(vectors):
                    # Nothing was asked, so nothing matches: zero is no score of a match.
                    made.append(replace(_NOTHING, weight=weight))
                    continue
                again = scored(at, one)
                made.append(replace(again, bound=_bound(vectors, again), weight=weight))
            return made

        return finish

    def _scored(self, vectors: Any, found: Candidates) -> Candidates:
        if not len(found):
            return found
        [scores] = self._store.score(self._name, _one(vectors), found.rows)
        # A chunk without a token has a vector of zeros in the first stage, and matches nothing:
        # score() gives it an exact 0, which no sum of cosines is.
        real = np.flatnonzero(scores)
        rows, scores = found.rows[real], scores[real]
        order = np.lexsort((rows, -scores))
        return Candidates(rows[order], scores[order], exhaustive=found.exhaustive)

    def _first_stage(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        """The candidates as the fixed-dimension encodings have them."""
        assert self._fde is not None
        rows = self._fde.queries(self._rows(queries))
        return self._store.search(self._fde_name, rows, depth, filters)

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        if not queries:
            return []
        return self._store.score(self._name, self._rows(queries), rows)

    def token_scores(self, query: Query, chunk: Chunk) -> list[TokenScore]:
        """What each token of the query found in the chunk, which is encoded for it."""
        self.prepare([query])
        document = checked_tokens(self._encoder, [chunk.indexed_text], query=False)[0]
        asked = Matched(query.text, query.vectors[self._name], self._query_encoder)
        found = Matched(chunk.indexed_text, document, self._encoder)
        context = len(chunk.indexed_text) - len(chunk.text)
        return matches(asked, found, context, self._pool_factor)

    def _rows(self, queries: Sequence[Query]) -> MultiRows:
        """The queries' token vectors, a zero for one that has none: stores want one at least."""
        self.prepare(queries)
        zero = np.zeros((1, self._encoder.dim), np.float32)
        parts = [query.vectors[self._name] for query in queries]
        parts = [part if len(part) else zero for part in parts]
        indptr = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        return MultiRows(indptr, np.concatenate(parts))


_NOTHING = Candidates(np.empty(0, np.int64), np.empty(0, np.float32), bound=0.0, exhaustive=True)


def _one(vectors: Any) -> MultiRows:
    return MultiRows(np.array([0, len(vectors)], np.int64), vectors)


def _bound(vectors: Any, found: Candidates) -> float | None:
    """The number of tokens, where all are of unit length; else nothing bounds the score."""
    n = float(len(vectors))
    lengths = np.linalg.norm(vectors, axis=1)
    best = float(found.scores[0]) if len(found) else 0.0
    return n if lengths.max() <= 1.001 and best <= 1.001 * n else None
