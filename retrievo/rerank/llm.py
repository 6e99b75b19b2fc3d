"""A chat model that puts passages in order (listwise)."""

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from retrievo.arguments import check_number, check_whole
from retrievo.encode.remote.client import Client
from retrievo.encode.remote.connection import connection_to
from retrievo.errors import ConfigError, SearchError
from retrievo.llm.asking import Asking
from retrievo.llm.chat import OPENAI, settings, without_thought
from retrievo.llm.kept import Kept
from retrievo.rerank.budget import Budget
from retrievo.rerank.listwise import Order, messages, order_in, shown, window_starts
from retrievo.rerank.ordering import nothing
from retrievo.telling import Counted, tell
from retrievo.types import Candidates, Chunk

_TOKENS_A_PLACE = 6
"""Of an answer: a number of up to three digits, its brackets, and what stands between."""

_QUERY_TOKENS = 1_000


class LlmReranker:
    """Chunks in the order that a chat model gives them (RankGPT; Sun et al. 2023).

    The model sees `window` passages at once, of each at most `passage_tokens`, and answers with an
    order, "[2] > [1] > [3]". Windows begin at the end of the first `depth` candidates and move up
    by `step`. A score is 1 - place / candidates read: it says the place and nothing more. What an
    answer leaves out follows what it names; one that names nothing leaves its window in the order
    given, which is told.

    What a passage says is told the model to be material, between marks that it cannot contain; a
    passage that praises itself may rise all the same.

    With `budget_ms` the first window is asked about before all others; then as many are as are
    expected to be answered in time. `base_url` is any service that speaks OpenAI's chat format;
    OPENAI_API_KEY goes to OpenAI's own alone. Answers are kept in `cache`: "memory", the path of a
    file, or "off".
    """

    def __init__(
        self,
        model: str,
        *,
        window: int = 20,
        step: int = 10,
        depth: int = 20,
        passage_tokens: int = 300,
        budget_ms: float | None = None,
        temperature: float = 0.0,
        answer_tokens: int | None = None,
        base_url: str = OPENAI,
        api_key: str | None = None,
        fields: dict[str, Any] | None = None,
        leave_out: list[str] | None = None,
        retries: int = 1,
        backoff_s: float = 0.5,
        timeout_s: float = 30.0,
        deadline_s: float = 45.0,
        verify: bool | str | Path = True,
        headers: dict[str, str] | None = None,
        cache: str | Path | None = "memory",
    ) -> None:
        if not model:
            raise ConfigError("llm wants the name of a model")
        check_whole("window", window, 2)
        check_whole("step", step, 1)
        check_whole("depth", depth, 1)
        check_whole("passage_tokens", passage_tokens, 8)
        check_number("temperature", temperature)
        if step > window:
            raise ConfigError(
                f"step is {step} and window {window}; windows that do not meet leave passages out"
            )
        if answer_tokens is not None:
            check_whole("answer_tokens", answer_tokens, 1)
        self.depth = depth
        self.budget = Budget(budget_ms)
        """How long one ranking may take, and by which clock."""
        self._window, self._step, self._tokens = window, step, passage_tokens
        self._body = settings(
            model, answer_tokens or window * _TOKENS_A_PLACE, temperature, fields, leave_out
        )
        connection = connection_to(
            "llm", base_url, OPENAI, "OPENAI_API_KEY", api_key, headers, retries=retries,
            backoff_s=backoff_s, timeout_s=timeout_s, deadline_s=deadline_s, verify=verify,
            table="reranker",
        )  # fmt: skip
        self._client = Client(
            connection, answers="chat completion", then="Search again when the service answers"
        )
        self._kept = Kept(cache)

    def __repr__(self) -> str:
        return f"LlmReranker({self._client.who})"

    def rank(self, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
        """Positions in `chunks`, best first; those that the budget allowed to ask about.

        Raises SearchError where the service answers none of the questions.
        """
        if not chunks:
            return nothing()
        if not query.strip():
            raise SearchError("llm cannot order passages by an empty query")
        run = _Run(self, query, chunks)
        order = run.ordered()
        n = len(order)
        kept = slice(0, max(0, top_k))
        scores = (1 - np.arange(n) / n).astype(np.float32)
        return Candidates(np.array(order, np.int64)[kept], scores[kept], 1.0)

    def close(self) -> None:
        """Let go of connections and file; the next use opens them again."""
        self._client.close()
        self._kept.close()


class _Run:
    """One ranking: the order so far, and what went wrong."""

    def __init__(self, made: LlmReranker, query: str, chunks: Sequence[Chunk]) -> None:
        self._made = made
        self._n = len(chunks)
        # Of its own for each query: searches that run at once do not share their failures.
        self._asking = Asking(made._client, 1, first_alone=False)
        asked = shown(query, _QUERY_TOKENS)
        if not asked.whole:
            tell(f"llm shows the model the first {_QUERY_TOKENS:,} tokens of the query")
        self._query = asked.text
        self._passages = [shown(chunk.indexed_text, made._tokens) for chunk in chunks]
        self._order = list(range(self._n))
        self._read: set[int] = set()
        self._unusable = self._partly = self._failed = self._windows = 0

    def ordered(self) -> list[int]:
        """Positions of those that were read, in their order."""
        made = self._made
        begun = made.budget.clock()
        deep = self._n
        if made.budget.limited and self._n > made._window:
            self._ask(0)
            seconds = made.budget.clock() - begun
            more = int(made.budget.left_s(seconds) / max(seconds, 1e-9)) if seconds else self._n
            # A pass over w windows; the first of them was asked alone, and is asked again at last.
            deep = min(self._n, made._window + max(0, more - 1) * made._step)
        if deep > made._window or not self._windows:
            for start in window_starts(deep, made._window, made._step):
                spent = made.budget.clock() - begun
                mean = spent / max(1, self._windows)
                if self._windows and not made.budget.fits(spent, mean):
                    break
                self._ask(start)
        self._tell()
        # Those of a pass that ended early stand behind what the first window had.
        return [place for place in self._order if place in self._read]

    def _ask(self, start: int) -> None:
        """Order one window of the present order."""
        end = min(start + self._made._window, self._n)
        window = self._order[start:end]
        self._windows += 1
        order = self._answered([self._passages[place].text for place in window])
        if order is None:
            self._failed += 1
            return
        self._read |= set(window)
        self._unusable += not order.some
        self._partly += order.some and not order.complete
        self._order[start:end] = [window[at] for at in order.places]

    def _answered(self, passages: list[str]) -> Order | None:
        """The order of a window; None where the service did not answer."""
        n = len(passages)
        if n == 1:
            return Order([0], True, True)
        body = {**self._made._body, "messages": messages(self._query, passages)}
        key = blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).digest()
        kept = self._made._kept.read(key)
        if kept is not None:
            return order_in(kept, n)
        answers: list[str] = []
        self._asking.ask({0: body}, lambda _, text: answers.append(without_thought(text)))
        if not answers:
            return None
        order = order_in(answers[0], n)
        if order.some:
            self._made._kept.write(key, answers[0])
        return order

    def _tell(self) -> None:
        who = self._made._client.who
        if not self._read:
            raise SearchError(f"llm cannot order the passages: {self._asking.reason}")
        if self._failed:
            tell(f"llm goes on without {self._failed} of {self._windows} answers: "
                 f"{self._asking.reason}")  # fmt: skip
        if self._unusable:
            tell(f"{who} named no passage in {self._unusable} of {self._windows} answers: these "
                 "stay in the order given")  # fmt: skip
        if self._partly:
            tell(f"{who} left passages out in {self._partly} of {self._windows} answers: they "
                 "follow those that it named")  # fmt: skip
        cut = sum(not self._passages[place].whole for place in self._read)
        if cut:
            tell(Counted(cut, len(self._read), f"passages were shown to {who} without their end: "
                         "set a larger passage_tokens in [reranker]"))  # fmt: skip
