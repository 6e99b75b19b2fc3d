"""A transformer that reads query and chunk together (sentence-transformers' CrossEncoder)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sentence_transformers import CrossEncoder

from retrievo.arguments import check_whole
from retrievo.encode.transformer.precision import DType
from retrievo.errors import ConfigError
from retrievo.rerank.budget import Budget
from retrievo.rerank.cross_model import CrossModel
from retrievo.rerank.ordering import DEPTH, best_first, nothing
from retrievo.rerank.windows import best_windows, windows
from retrievo.telling import tell
from retrievo.tokens import without_surrogates
from retrievo.types import Candidates, Chunk

_CHARACTERS_A_TOKEN = 4
_LEAST_ROOM = 8
"""Tokens of text beside the query, under which nothing can be read."""

_BATCH, _BATCH_ELSEWHERE = 8, 32
"""Candidates between two looks at the clock, on a CPU and on what computes many at once."""


class CrossEncoderReranker:
    """Scores of a CrossEncoder on its own scale, the highest first (Nogueira and Cho 2019).

    `model` is a name on the hub, a local directory, or a CrossEncoder. It reads context and text of
    the first `depth` candidates, in batches of at most `batch_tokens` tokens, padding included. A
    pair of more tokens than the model reads, or than `max_length`, is read in windows of the text
    that overlap by a quarter, and counts by the best of them: `scored_by` says "window 2 of 3", and
    "whole" for one that fits. A query takes at most half of what is read, which is told.

    `dtype` "auto" is bfloat16 where the machine has it and the first pairs have the same scores in
    it. With `budget_ms` it reads from the first candidate down, 8 at once (32 on a GPU), as long as
    the next batch is expected to end in time; the others keep their order.
    """

    def __init__(
        self,
        model: str | Path | CrossEncoder,
        *,
        max_length: int | None = None,
        depth: int = DEPTH,
        budget_ms: float | None = None,
        device: str | None = "auto",
        dtype: DType = "auto",
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> None:
        check_whole("depth", depth, 1)
        if max_length is not None:
            check_whole("max_length", max_length, 1)
        self.depth = depth
        self.budget = Budget(budget_ms)
        """How long one ranking may take, and by which clock."""
        self._model = CrossModel(
            model,
            device=device,
            dtype=dtype,
            batch_tokens=batch_tokens,
            trust_remote_code=trust_remote_code,
            revision=revision,
            local_files_only=local_files_only,
        )
        limits = [limit for limit in (max_length, self._model.limit) if limit is not None]
        self._limit = min(limits, default=None)
        if self._limit is not None and (self._limit - self._model.around) // 2 < _LEAST_ROOM:
            raise ConfigError(
                f"max_length is {self._limit}, of which {self._model.around} tokens go around a "
                f"pair; {2 * _LEAST_ROOM + self._model.around} or more are wanted"
            )
        self._batch = _BATCH if self._model.on_cpu else _BATCH_ELSEWHERE

    def rank(self, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
        """Positions in `chunks` with the model's scores; those that the budget allowed to read.

        Raises SearchError for a score that is not finite.
        """
        if not chunks:
            return nothing()
        shown, room = self._fitted(without_surrogates(query))
        texts = [without_surrogates(chunk.indexed_text) for chunk in chunks]
        scores: list[float] = []
        ways: list[str] = []
        for places in self.budget.batches([len(shown) + len(t) for t in texts], self._batch):
            some = [texts[place] for place in places]
            made, ways_of_some = self._scored(shown, some, room)
            scores += made
            ways += ways_of_some
        who = f"the cross-encoder {self._model.name}"
        return best_first(who, np.array(scores), top_k, scored_by=ways)

    def _fitted(self, query: str) -> tuple[str, int | None]:
        """The query as it is read, and how many tokens of a text are read beside it."""
        tokenizer = self._model.tokenizer
        if tokenizer is None or self._limit is None:
            return query, None
        free = self._limit - self._model.around
        spans = tokenizer.token_spans(query)
        most = free // 2
        if len(spans) > most:
            tell(
                f"the query has {len(spans)} tokens, and the cross-encoder {self._model.name} "
                f"reads {self._limit} of a pair: it saw the first {most}"
            )
            query, spans = query[: int(spans[most - 1, 1])], spans[:most]
        return query, free - len(spans)

    def _scored(
        self, query: str, texts: Sequence[str], room: int | None
    ) -> tuple[list[float], list[str]]:
        """For each text its score, and which part of it gave that."""
        parts: list[str] = []
        owners: list[int] = []
        lengths: list[int] = []
        tokenizer = self._model.tokenizer
        for owner, text in enumerate(texts):
            if tokenizer is None:
                own, n = [text], len(text) // _CHARACTERS_A_TOKEN
            else:
                spans = tokenizer.token_spans(text)
                own = [text] if room is None else windows(text, spans, room)
                n = len(spans) if room is None else min(len(spans), room)
            parts += own
            owners += [owner] * len(own)
            lengths += [n] * len(own)
        beside = self._model.around + len(query) // _CHARACTERS_A_TOKEN
        scores = self._model.score(query, parts, [n + beside for n in lengths])
        return best_windows(scores.tolist(), owners, len(texts))
