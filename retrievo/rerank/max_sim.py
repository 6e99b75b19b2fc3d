"""Late interaction as a second step: tokens of the query with tokens of the best candidates."""

from collections.abc import Sequence

import numpy as np

from retrievo.arguments import check_whole
from retrievo.contracts import Encoder, Store
from retrievo.errors import EncoderError, SearchError
from retrievo.rerank.budget import Budget
from retrievo.rerank.ordering import DEPTH, best_first, nothing, with_last
from retrievo.rerank.stored import keeps
from retrievo.retrieve.vectors import check_tokens, checked_tokens
from retrievo.store.memory.exact import max_sim
from retrievo.types import Candidates, Chunk, Found, MultiRows, Query, Scores, Vectors

_BATCH = 8
"""Candidates between two looks at the clock."""


class MaxSimReranker:
    """For each token of the query its best token of the chunk, added up, the highest first.

    Khattab and Zaharia 2020 (ColBERT). The encoder must have `encode_tokens`: "multi-vector" for
    models that were trained for it, "sentence-transformers" for the token states of any other; a
    `query_encoder` must have the same width. Chunks are encoded for each query, context and text of
    the first `depth` candidates, unless the `store` keeps their token vectors as `representation`
    (the retriever `late-interaction` does): `scored_by` says which. A chunk without a token comes
    last.

    With `budget_ms` chunks are encoded from the first candidate down, 8 at once, as long as the
    next batch is expected to end in time; the others keep their order.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: Store | None = None,
        *,
        query_encoder: Encoder | None = None,
        representation: str = "tokens",
        depth: int = DEPTH,
        budget_ms: float | None = None,
    ) -> None:
        check_whole("depth", depth, 1)
        self.depth = depth
        self.budget = Budget(budget_ms)
        """How long one ranking may take, and by which clock."""
        self._encoder, self._store = encoder, store
        self._query_encoder = query_encoder or encoder
        self._representation = representation
        check_tokens("max-sim", encoder, self._query_encoder)

    def rank(self, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
        """Positions in `chunks` with their sums of cosines; those that the budget allowed to read.

        `bound` is the number of the query's tokens. Raises SearchError where they cannot be had.
        """
        if not chunks:
            return nothing()
        asked = self._tokens(query)
        texts = [chunk.indexed_text for chunk in chunks]
        scores: list[Scores] = []
        for places in self.budget.batches([len(text) for text in texts], _BATCH):
            rows = self._encoded(self._encoder, [texts[place] for place in places], query=False)
            scores.append(max_sim(rows, asked))
        return _ranked(np.concatenate(scores), asked, top_k, "encoded for this query")

    def rank_found(self, query: Query, found: Found, top_k: int) -> Candidates:
        """As `rank`, by the vectors that the store keeps, where it keeps some of that name."""
        if not len(found):
            return nothing()
        kept = keeps(self._store, self._representation, "multi", "max-sim")
        if self._store is None or not kept:
            return self.rank(query.text, found.chunks, top_k)
        asked = query.vectors.get(self._representation)
        if asked is None:
            asked = self._tokens(query.text)
        if not len(asked):
            scores = np.zeros(len(found), np.float32)
        else:
            one = MultiRows(np.array([0, len(asked)], np.int64), asked)
            [scores] = self._store.score(self._representation, one, found.rows)
            # What has no vector is scored 0, which no sum of a model's cosines is.
            scores = np.where(scores == 0, np.float32(-np.inf), scores)
        return _ranked(scores, asked, top_k, f"stored as {self._representation}")

    def _tokens(self, query: str) -> Vectors:
        return self._encoded(self._query_encoder, [query], query=True)[0]

    def _encoded(self, encoder: Encoder, texts: list[str], *, query: bool) -> MultiRows:
        try:
            return checked_tokens(encoder, texts, query=query)
        except EncoderError as error:
            raise SearchError(f"max-sim has no vectors of tokens: {error}") from error


def _ranked(scores: Scores, asked: Vectors, top_k: int, source: str) -> Candidates:
    empty = np.isneginf(scores)
    lengths = np.linalg.norm(asked, axis=1)
    unit = bool((lengths <= 1.001).all())
    ways = ["no token" if one else source for one in empty.tolist()]
    bound = float(len(asked)) if unit else None
    made = with_last(scores, empty)
    return best_first("max-sim", made, top_k, scored_by=ways, bound=bound)
