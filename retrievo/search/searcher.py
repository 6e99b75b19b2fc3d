"""How queries are answered: expand, retrieve, complete, fuse, rerank, and the hits."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from retrievo.contracts import Expander, FirstPass, Fusion, Reranker, Retriever, Store
from retrievo.errors import ConfigError, SearchError, StoreError
from retrievo.events import STAGES
from retrievo.filters import Filter, unscoped
from retrievo.hits import Hits
from retrievo.host.nearest import hint
from retrievo.search.account import Account
from retrievo.search.branches import Branches, strangers
from retrievo.search.completing import completed
from retrievo.search.expanding import expanded
from retrievo.search.noticing import tell_cut, unknown_keys
from retrievo.search.options import NO_OPTIONS, SearchOptions
from retrievo.search.placing import RERANK_DEPTH, Fetched, fetched, placed
from retrievo.search.ranking import merged, scored_by
from retrievo.search.trail import Trail
from retrievo.search.turn import Turn
from retrievo.truncation import recording
from retrievo.types import BranchScores, Candidates, Found, Query, Rows

LOOK_DEEPER = 100
"""Where a search by document looks first that has not found enough of them."""


def checked(queries: Iterable[str], top_k: int) -> list[str]:
    """The queries as a list. Raises TypeError for what is no text, ValueError for a `top_k`."""
    given = [queries] if isinstance(queries, str) else list(queries)
    if isinstance(queries, str) or not all(isinstance(query, str) for query in given):
        raise TypeError("search takes a str, search_batch an iterable of them")
    if isinstance(top_k, bool) or not hasattr(top_k, "__index__") or top_k < 1:
        raise ValueError(f"top_k is a whole number from 1 up, not {top_k!r}")
    return given


class Searcher:
    """Search over the parts of a pipeline. Keeps no state between calls."""

    def __init__(
        self,
        store: Store,
        retrievers: Mapping[str, Retriever],
        fusion: Fusion | None,
        reranker: Reranker | None,
        expander: Expander | None,
        *,
        stage_done: Callable[..., None] | None = None,
    ) -> None:
        self._store = store
        self.retrievers = retrievers
        self._branches = Branches(store, retrievers)
        self._fusion = fusion
        self._reranker = reranker
        self._expander = expander
        self._stage_done = stage_done

    def search(
        self,
        texts: Sequence[str],
        top_k: int,
        filters: Filter | None,
        options: SearchOptions = NO_OPTIONS,
        turn: Turn | None = None,
        trail: Trail | None = None,
    ) -> list[Hits]:
        """Hits for each text, in their order, at most `top_k`. A `trail` is filled on the way."""
        turn = turn or Turn(options.timeout_s)
        account = Account(warnings=[[] for _ in texts], strict=options.strict)
        fusion = self._weighed(options.weights)
        started = time.perf_counter()
        asked = [i for i, text in enumerate(texts) if text.strip()]
        ready: dict[int, Fetched] = {}
        # Before the lock: a slow encoder must not keep a writer, and all behind it, waiting.
        with recording() as cut:
            plain = [texts[i] for i in asked]
            queries = self._queries(plain, asked, filters, fusion, options, turn, account)
        tell_cut(cut, queries, asked, account)
        forms = dict(zip(asked, queries, strict=True))
        with self._store.reading():
            total = self._store.count()
            unknown = unknown_keys(self._store, filters) if filters is not None and asked else []
            top_k = min(top_k, max(total, 1))
            depth = looked_at = top_k  # what a branch cuts off, no later step can bring back
            if self._reranker is not None:
                looked_at = max(top_k, getattr(self._reranker, "depth", RERANK_DEPTH))
            # Grouping by document and reranking look at more than top_k.
            whole = options.per_document or self._reranker is not None or trail is not None
            while asked:
                try:
                    fused = self._candidates(
                        queries, depth, top_k, filters, fusion, whole, asked, turn, account, trail
                    )
                    short = []
                    for place, (i, candidates) in enumerate(zip(asked, fused, strict=True)):
                        documents = None
                        if options.per_document:
                            documents = self._store.document_numbers(candidates.rows)
                            # The chunks of a few documents may crowd out others: look deeper, until
                            # top_k documents are there or no branch has more to give.
                            few = len(set(documents.tolist())) < top_k
                            if few and not candidates.exhaustive and depth < total:
                                short.append(place)
                                continue
                        self._check_scope(candidates.rows, filters)
                        ready[i] = fetched(self._store, candidates, documents, looked_at, account)
                except StoreError as error:
                    if not self._put_out_strangers(account, error):
                        raise
                    continue  # once more, without them
                asked, queries = [asked[p] for p in short], [queries[p] for p in short]
                depth = 4 * max(depth, LOOK_DEEPER)
        # After it for the same reason: a reranker is slow.
        found = {
            i: placed(self._reranker, texts[i], forms[i], one, top_k, turn, account, i, trail)
            for i, one in ready.items()
        }
        if trail is not None:
            trail.failed = account.failed
        account.timings["total"] = time.perf_counter() - started
        account.tell_failed(self.retrievers)
        self._tell(account, len(texts))
        for i in range(len(texts)):
            account.warnings[i] += unknown if i in found else ["the query is empty"]
        return [
            Hits(found.get(i, []), text, account.timings, account.warnings[i])
            for i, text in enumerate(texts)
        ]

    def _first_pass(self, filters: Filter | None, fusion: Fusion | None, turn: Turn) -> FirstPass:
        """What an expander may ask: the chunks that the branches find for a query, fused."""

        def find(query: Query, depth: int) -> Found:
            # Of its own: a branch that fails here is told of by the search that follows.
            account = Account(warnings=[[]])
            self._branches.prepare([query], filters, turn, account)
            with self._store.reading():
                [candidates] = self._candidates(
                    [[query]], depth, depth, filters, fusion, False, [0], turn, account
                )
                self._check_scope(candidates.rows, filters)
                one = fetched(self._store, candidates, None, depth, account)
            order = one.order[:depth]
            return Found(one.chunks[:depth], candidates.rows[order], candidates.scores[order])

        return find

    def _weighed(self, weights: Mapping[str, float] | None) -> Fusion | None:
        """The fusion with the weights of this search. Raises ConfigError where it has none."""
        if weights is None:
            if getattr(self._fusion, "auto", False):
                from retrievo.fuse.measured import measured  # for few pipelines

                return measured(self._fusion, self._store, self.retrievers)
            return self._fusion
        unknown = [name for name in weights if name not in self.retrievers]
        if unknown:
            raise ConfigError(
                f"weights name {unknown[0]!r}{hint(unknown[0], list(self.retrievers))} "
                f"The retrievers are {', '.join(self.retrievers)}."
            )
        if self._fusion is None:
            return None
        weighed = getattr(self._fusion, "weighed", None)
        if weighed is None:
            raise ConfigError(
                f"the fusion {type(self._fusion).__name__} takes no weights for one search"
            )
        found: Fusion = weighed({name: weights.get(name, 0.0) for name in self.retrievers})
        return found

    def _queries(
        self,
        texts: Sequence[str],
        asked: Sequence[int],
        filters: Filter | None,
        fusion: Fusion | None,
        options: SearchOptions,
        turn: Turn,
        account: Account,
    ) -> list[list[Query]]:
        if self._expander is None:
            queries = [[Query(text)] for text in texts]
        else:
            first_pass = self._first_pass(filters, fusion, turn)
            with account.timed("expand"):
                queries = expanded(self._expander, texts, asked, first_pass, turn, account)
        flat = [query for part in queries for query in part]
        if options.steer:
            spaces = [s for r in self.retrievers.values() for s in r.representations.values()]
            if not any(space.kind == "dense" for space in spaces):
                account.tell_all("steer moves vectors, and no branch of this pipeline has any")
            for query in flat:
                query.steer = options.steer
        self._branches.prepare(flat, filters, turn, account)
        return queries

    def _candidates(
        self,
        queries: Sequence[Sequence[Query]],
        depth: int,
        top_k: int,
        filters: Filter | None,
        fusion: Fusion | None,
        whole: bool,
        asked: Sequence[int],
        turn: Turn,
        account: Account,
        trail: Trail | None = None,
    ) -> list[Candidates]:
        """For each query its fused candidates; `exhaustive` where no branch was cut off."""
        flat = [query for part in queries for query in part]
        branches: dict[str, list[Candidates]] = {}
        answers = account.answers = self._branches.search(flat, depth, filters, turn, account)
        for name, lists in answers.items():
            found = iter(lists)
            branches[name] = [merged([next(found) for _ in part], part) for part in queries]
        fused = []
        for place, i in enumerate(asked):
            mine = {name: lists[place] for name, lists in branches.items()}
            exhaustive = all(candidates.exhaustive for candidates in mine.values())
            if getattr(fusion, "complete", False):
                mine = completed(
                    mine,
                    self.retrievers,
                    queries[place],
                    turn,
                    account,
                    i,
                    foreign=lambda: bool(strangers(self._store, answers)),
                )
            for name, candidates in mine.items():
                if candidates.bound == 0:
                    account.tell(i, f"{name}: no word of the query is in the index")
            account.scored_by[i] = scored_by(mine)
            with account.timed("fuse"):
                one = self._fuse(mine, fusion, top_k, whole=whole)
            fused.append(replace(one, exhaustive=exhaustive))
            if trail is not None:
                trail.forms, trail.branches, trail.fused = queries[place], mine, one
        return fused

    def _fuse(
        self,
        branches: Mapping[str, Candidates],
        fusion: Fusion | None,
        top_k: int,
        *,
        whole: bool,
    ) -> Candidates:
        """The best top_k, or with `whole` everything that some branch found."""
        if fusion is None:
            (name, only), *_ = branches.items()
            ranks = np.arange(1, len(only) + 1, dtype=np.int32)
            share = BranchScores(ranks, only.scores, only.scores, 1.0, only.scores)
            return Candidates(only.rows, only.scores, only.bound, contributions={name: share})
        fused = fusion.fuse(branches, sum(map(len, branches.values())) if whole else top_k)
        told = fused.contributions if isinstance(fused, Candidates) else None
        if told is None or not all(isinstance(one, BranchScores) for one in told.values()):
            raise SearchError(
                f"the fusion {type(fusion).__name__} gave no Candidates with a BranchScores for "
                "each branch in `contributions`; retrievo.testing.fusions tells what it must give"
            )
        return fused

    def _put_out_strangers(self, account: Account, error: StoreError) -> bool:
        """Whether the store's error came of rows that a branch has made up, which is out now."""
        made_up = set(strangers(self._store, account.answers)).difference(account.failed)
        for name in made_up:
            account.out(
                name, SearchError(f"the retriever {name} gave rows that are not there: {error}")
            )
        return bool(made_up)

    def _check_scope(self, rows: Rows, filters: Filter | None) -> None:
        """Raise StoreError where a retriever gave another tenant's rows: better none than those."""
        tenant, _ = unscoped(filters)
        if tenant is not None and any(owner != tenant for owner in self._store.tenants(rows)):
            raise StoreError(
                f"a retriever of {', '.join(self.retrievers)} gave rows outside the tenant's "
                "scope; it must hand `filters` to the store"
            )

    def _tell(self, account: Account, n: int) -> None:
        if self._stage_done is None:
            return
        for step, seconds in account.timings.items():
            if step in self.retrievers:
                self._stage_done("retrieve", seconds, n, branch=step)
            elif step in STAGES:
                self._stage_done(step, seconds, n)
