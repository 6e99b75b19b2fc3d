"""Scores of a reranking service, whatever its format."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retrievo.arguments import check_whole
from retrievo.encode.remote.client import Client, RefusedError
from retrievo.encode.remote.connection import Connection
from retrievo.errors import EncoderError, SearchError
from retrievo.rerank.budget import Budget
from retrievo.rerank.ordering import best_first, nothing, with_last
from retrievo.rerank.remote_formats import PATH, RerankFormat, Told, scores_in_order
from retrievo.telling import tell
from retrievo.tokens import without_surrogates
from retrievo.types import Candidates, Chunk

_BYTES_A_TEXT = 4_096
_BYTES_AROUND = 1_048_576


@dataclass(frozen=True, slots=True)
class Reach:
    """How far down a service reads: candidates, milliseconds, texts of one request."""

    depth: int
    budget_ms: float | None
    batch_items: int


class RemoteReranker:
    """Scores of a service on its own scale, the highest first; made by `services`.

    It is sent the query and context and text of the first `depth` candidates, `batch_items` of them
    in a request. With `budget_ms` a further request is sent only where it is expected to be
    answered in time; the other candidates keep their order. An empty text is not sent: it comes
    last. Threads share it. Nothing is sent before the first `rank`.
    """

    def __init__(self, name: str, form: RerankFormat, connection: Connection, reach: Reach) -> None:
        check_whole("depth", reach.depth, 1)
        check_whole("batch_items", reach.batch_items, 1)
        self.depth = reach.depth
        self.budget = Budget(reach.budget_ms)
        """How long one ranking may take, and by which clock."""
        self._name, self._form = name, form
        self._items = reach.batch_items
        self._client = Client(
            connection, answers="list of scores", then="Search again when the service answers"
        )

    def __repr__(self) -> str:
        return f"RemoteReranker({self._client.who})"

    def rank(self, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
        """Positions in `chunks` with the service's scores; those that the budget allowed to send.

        Raises SearchError where the service does not answer, refuses, or gives scores that are not
        those of the texts.
        """
        if not chunks:
            return nothing()
        if not query.strip():
            raise SearchError(f"{self._name} cannot rank for an empty query: services refuse it")
        texts = [without_surrogates(chunk.indexed_text) for chunk in chunks]
        asked = without_surrogates(query)
        scores: list[float] = []
        for places in self.budget.batches([len(asked) + len(t) for t in texts], self._items):
            for start in range(places.start, places.stop, self._items):
                scores += self._scored(asked, texts[start : min(start + self._items, places.stop)])
        values = np.array(scores, np.float32)
        empty = np.isnan(values)
        ways = ["an empty text" if one else self._name for one in empty.tolist()]
        return best_first(self._client.who, with_last(values, empty), top_k, scored_by=ways)

    def close(self) -> None:
        """Let go of connections; the next use opens new ones."""
        self._client.close()

    def _scored(self, query: str, texts: list[str]) -> list[float]:
        """The score of each text, NaN for an empty one, which is not sent."""
        sent = [at for at, text in enumerate(texts) if text.strip()]
        scores = [float("nan")] * len(texts)
        if sent:
            told = self._told(query, [texts[at] for at in sent])
            found = scores_in_order(told, len(sent), self._client.who)
            for at, score in zip(sent, found, strict=True):
                scores[at] = score
        return scores

    def _told(self, query: str, texts: list[str]) -> Told:
        try:
            told = self._asked(self._form, query, texts)
        except RefusedError as refused:
            cutting = self._form.cutting()
            if cutting is None:
                raise SearchError(
                    f"{self._client.who} refused to rank {len(texts)} texts ({refused}); see model "
                    "and batch_items in [reranker]"
                ) from None
            try:
                told = self._asked(cutting, query, texts)
            except RefusedError:
                raise SearchError(
                    f"{self._client.who} refused to rank {len(texts)} texts ({refused}); see "
                    "batch_items in [reranker]"
                ) from None
            tell(
                f"{self._client.who} refused texts as they are ({refused}) and ranked the beginning"
                " of the long ones; set truncate = true in [reranker], or a smaller chunk_size"
            )
        for warning in told.warnings:
            tell(f"{self._client.who} warns: {' '.join(warning.split())[:300]}")
        return told

    def _asked(self, form: RerankFormat, query: str, texts: list[str]) -> Told:
        """Raises RefusedError, and SearchError for all else that does not go away."""
        try:
            return self._client.post(
                PATH,
                form.body(query, texts),
                read=form.read,
                refuses=_refuses,
                # Some services send the texts back.
                limit_bytes=_BYTES_AROUND + len(texts) * _BYTES_A_TEXT + 6 * sum(map(len, texts)),
                stop=threading.Event(),
            )
        except EncoderError as error:
            raise SearchError(str(error)) from None


def _refuses(status: int, said: str) -> bool:
    """Whether an error is about what was asked, and not about the service."""
    return status in (400, 413, 422)
