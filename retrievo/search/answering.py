"""What a pipeline answers with: hits, why there is no hit, and what each token was worth."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from retrievo.contracts import Encoder, Retriever, Store
from retrievo.errors import ConfigError, SearchTimeoutError
from retrievo.filters import Filter
from retrievo.hits import Hit, Hits
from retrievo.host.nearest import hint, listed
from retrievo.search.account import reason
from retrievo.search.after import POOL, Tools, finished
from retrievo.search.confidence import Confidence, measured
from retrievo.search.explain import DocumentExplanation, explain_document
from retrievo.search.options import SearchOptions
from retrievo.search.searcher import Searcher
from retrievo.search.turn import Turn, in_thread
from retrievo.search.why_not import Asking, WhyNot
from retrievo.telling import tell
from retrievo.types import Query, TokenScore

CONFIDENCE_SHARE = 0.5
"""Of the time of a search: what is left has to answer it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One search: its queries, how many hits each wants, in which scope, with which options."""

    queries: Sequence[str]
    top_k: int
    scope: Filter | None
    tenant: str | None
    options: SearchOptions

    @property
    def deep(self) -> int:
        """How many hits are ranked for the steps after the ranking."""
        return POOL * self.top_k if self.options.needs_more else self.top_k


class Answering:
    """The search of a pipeline's parts, which `part` gives by name; `retrievers` are those that
    answer now. Keeps what is dear to build: the searcher, and measured confidences.
    """

    def __init__(
        self,
        part: Callable[[str], Any],
        retrievers: Callable[[], Mapping[str, Retriever]],
        stage_done: Callable[..., None] | None,
    ) -> None:
        self._part = part
        self._retrievers = retrievers
        self._stage_done = stage_done
        self._searcher: Searcher | None = None
        self._confidences: dict[str | None, tuple[int, Future[Confidence | None]]] = {}
        self._turn = threading.RLock()  # searches run in threads; one of them builds

    @property
    def searcher(self) -> Searcher:
        with self._turn:
            if self._searcher is None:
                self._searcher = Searcher(
                    self._part("store"),
                    self._retrievers(),
                    self._part("fusion"),
                    self._part("reranker"),
                    self._part("expander"),
                    stage_done=self._stage_done,
                )
            return self._searcher

    def hits(self, asked: Asked, store: Store, turn: Turn) -> list[Hits]:
        started = time.perf_counter()
        tools = self._tools(store, asked, turn)
        prepared = time.perf_counter() - started
        found = self.searcher.search(asked.queries, asked.deep, asked.scope, asked.options, turn)
        for hits in found:
            hits.timings["total"] += prepared
            if tools.confidence is not None:
                hits.timings["confidence"] = prepared
        return [finished(hits, asked.options, asked.top_k, tools)[0] for hits in found]

    def why_not(self, asked: Asked, store: Store, doc_id: str) -> WhyNot:
        encoder: Callable[[], Encoder] = lambda: self._part("encoder")  # noqa: E731
        asking = Asking(store, self.searcher, self._tools(store, asked, Turn()), encoder)
        [query] = asked.queries
        return asking.why_not(query, doc_id, asked.top_k, asked.deep, asked.scope, asked.options)

    def explain(self, asked: Asked, store: Store, doc_id: str) -> DocumentExplanation:
        search, [query] = self.searcher, asked.queries
        return explain_document(store, search.retrievers, search, query, doc_id, asked.scope)

    def token_scores(self, query: str, hit: Hit, branch: str | None) -> list[TokenScore]:
        """What each token of the query gave to the hit's chunk in one branch.

        Raises ConfigError where no branch, or not this one, can tell.
        """
        retrievers = self.searcher.retrievers
        if branch is not None and branch not in retrievers:
            names = list(retrievers)
            raise ConfigError(
                f"no retriever {branch!r}{hint(branch, names)} Known: {listed(names)}"
            )
        able = [name for name, one in retrievers.items() if hasattr(one, "token_scores")]
        chosen = able[0] if branch is None and able else branch
        if chosen is None or chosen not in able:
            raise ConfigError(
                f"the retriever {chosen} cannot say what a token was worth: its score is of the "
                f"whole text; those that can: {listed(able)}"
                if able
                else "no retriever of this pipeline can say what a token was worth; bm25 and "
                "late-interaction can"
            )
        told = getattr(retrievers[chosen], "token_scores")  # noqa: B009  # optional in the contract
        scores: list[TokenScore] = told(Query(query), hit.chunk)
        return scores

    def _tools(self, store: Store, asked: Asked, turn: Turn) -> Tools:
        """What the steps after the ranking need. Raises ConfigError, MissingExtraError."""
        count_tokens = confidence = None
        if asked.options.max_context_tokens is not None:
            from retrievo.search.counting import token_counter  # only such a search needs it

            count_tokens = token_counter(asked.options.context_tokenizer)
        if asked.options.min_confidence is not None:
            confidence = self._confidence(store, asked.tenant, turn)
        return Tools(store, asked.tenant, count_tokens, confidence)

    def _confidence(self, store: Store, tenant: str | None, turn: Turn) -> Confidence | None:
        """Measured when it is first asked for, and again when the index has grown by half.

        A search with a limit of time waits half of it at most: the measurement goes on by itself,
        and serves the searches that come after it.
        """
        n = store.count()
        with self._turn:
            known, running = self._confidences.get(tenant, (0, None))
            if running is None or 2 * known > 3 * n or 2 * n > 3 * known:
                searcher, fusion = self.searcher, self._part("fusion")
                plain = Searcher(store, searcher.retrievers, fusion, None, None)
                running = in_thread("confidence", lambda: measured(plain, store, tenant))
                self._confidences[tenant] = n, running
        outcome = turn.outcome("confidence", running.result, share=CONFIDENCE_SHARE)
        if isinstance(outcome, SearchTimeoutError):
            tell("min_confidence counts for nothing yet: it is still being measured")
            return None
        if isinstance(outcome, Exception):
            with self._turn:
                self._confidences.pop(tenant, None)
            tell(f"min_confidence counts for nothing: it cannot be measured: {reason(outcome)}")
            return None
        found: Confidence | None = outcome
        if found is None:
            tell(f"min_confidence counts for nothing: the index has too few chunks ({n}) to say")
        return found
