"""How queries are answered: the branches, their fusion, the reranker, and the hits."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrievo.contracts import Ask, Expander, Fusion, Reranker, Retriever, Store
from retrievo.errors import StoreError
from retrievo.events import STAGES
from retrievo.filters import Filter, unscoped
from retrievo.hits import Hit, Hits
from retrievo.host.nearest import hint
from retrievo.search.account import Account
from retrievo.search.ranking import (
    by_id_where_equal,
    chosen,
    first_of_documents,
    merged,
    scored_by,
    traces,
)
from retrievo.tokens import without_surrogates
from retrievo.truncation import Truncation, recording, worst_by_text
from retrievo.types import BranchScores, Candidates, Chunk, Query, Rows

DEPTH = 100
"""How many candidates a branch looks at that does not say otherwise."""

RERANK_DEPTH = 50
"""How many fused candidates a reranker reads that does not say otherwise."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Candidates of one query, and of those that may become hits their places and chunks."""

    candidates: Candidates
    order: Rows
    chunks: list[Chunk]


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
        self._fusion = fusion
        self._reranker = reranker
        self._expander = expander
        self._stage_done = stage_done

    def search(
        self, texts: Sequence[str], top_k: int, filters: Filter | None, *, per_document: bool
    ) -> list[Hits]:
        account = Account(warnings=[[] for _ in texts])
        started = time.perf_counter()
        asked = [i for i, text in enumerate(texts) if text.strip()]
        fetched: dict[int, _Fetched] = {}
        # Before the lock: a slow encoder must not keep a writer, and all behind it, waiting.
        with recording() as cut:
            queries = self._queries([texts[i] for i in asked], filters, account)
        self._tell_cut(cut, queries, asked, account)
        with self._store.reading():
            total = self._store.count()
            unknown = self._unknown_keys(filters) if filters is not None and asked else []
            top_k = min(top_k, max(total, 1))
            depth = top_k  # what a branch cuts off, no later step can bring back
            # Grouping by document and reranking look at more than top_k.
            whole = per_document or self._reranker is not None
            while asked:
                fused = self._candidates(queries, depth, top_k, filters, account, asked, whole)
                short = []
                for place, (i, candidates) in enumerate(zip(asked, fused, strict=True)):
                    documents = None
                    if per_document:
                        documents = self._store.document_numbers(candidates.rows)
                        # The chunks of a few documents may crowd out others: look deeper, until
                        # top_k documents are there or no branch has more to give.
                        few = len(set(documents.tolist())) < top_k
                        if few and not candidates.exhaustive and depth < total:
                            short.append(place)
                            continue
                    self._check_scope(candidates.rows, filters)
                    fetched[i] = self._fetch(candidates, documents, top_k, account)
                asked, queries = [asked[p] for p in short], [queries[p] for p in short]
                depth = 4 * max(depth, DEPTH)
        # After it for the same reason: a reranker is slow.
        found = {
            i: self._hits(texts[i], one, top_k, account, account.scored_by[i])
            for i, one in fetched.items()
        }
        account.timings["total"] = time.perf_counter() - started
        self._tell(account, len(texts))
        for i in range(len(texts)):
            account.warnings[i] += unknown if i in found else ["the query is empty"]
        return [
            Hits(found.get(i, []), text, account.timings, account.warnings[i])
            for i, text in enumerate(texts)
        ]

    def _queries(
        self, texts: Sequence[str], filters: Filter | None, account: Account
    ) -> list[list[Query]]:
        if self._expander is None:
            queries = [[Query(text)] for text in texts]
        else:
            with account.timed("expand"):
                queries = [self._expander.expand(text) for text in texts]
        flat = [query for part in queries for query in part]
        for name, retriever in self.retrievers.items():
            prepare = getattr(retriever, "prepare", None)
            if prepare is not None and flat:
                with account.timed(name):
                    prepare(flat, filters)
        return queries

    def _tell_cut(
        self,
        cut: Sequence[Truncation],
        queries: Sequence[Sequence[Query]],
        asked: Sequence[int],
        account: Account,
    ) -> None:
        """Say of each query that an encoder did not read it to its end."""
        worst = worst_by_text(cut)
        for i, part in zip(asked, queries, strict=True) if worst else ():
            found = [worst.get(q.text) or worst.get(without_surrogates(q.text)) for q in part]
            for entry in filter(None, found):
                account.warnings[i].append(
                    f"the query has {entry.tokens_total:,} tokens, its vector holds "
                    f"{entry.tokens_seen:,}: the rest of it counts for nothing in a dense search; "
                    "ask for less at once"
                )

    def _candidates(
        self,
        queries: Sequence[Sequence[Query]],
        depth: int,
        top_k: int,
        filters: Filter | None,
        account: Account,
        asked: Sequence[int],
        whole: bool,
    ) -> list[Candidates]:
        """For each query its fused candidates; `exhaustive` where no branch was cut off."""
        flat = [query for part in queries for query in part]
        branches: dict[str, list[Candidates]] = {}
        for name, answers in self._answers(flat, depth, filters, account):
            found = iter(answers)
            branches[name] = [merged([next(found) for _ in part], part) for part in queries]
        fused = []
        with account.timed("fuse"):
            for place, i in enumerate(asked):
                mine = {name: lists[place] for name, lists in branches.items()}
                for name, candidates in mine.items():
                    note = f"{name}: no word of the query is in the index"
                    if candidates.bound == 0 and note not in account.warnings[i]:
                        account.warnings[i].append(note)
                account.scored_by[i] = scored_by(mine)
                fused.append(self._fuse(mine, top_k, whole=whole))
        return fused

    def _answers(
        self, queries: Sequence[Query], depth: int, filters: Filter | None, account: Account
    ) -> Iterator[tuple[str, list[Candidates]]]:
        """What each branch found for each query; of a store that is far away in one request."""
        deep = {
            name: max(depth, getattr(retriever, "depth", DEPTH))
            for name, retriever in self.retrievers.items()
        }
        together = "together" in self._store.capabilities and all(
            hasattr(retriever, "ask") for retriever in self.retrievers.values()
        )
        if not together:
            for name, retriever in self.retrievers.items():
                with account.timed(name):
                    yield name, retriever.search(queries, deep[name], filters)
            return
        asked: dict[str, Ask] = {
            name: getattr(retriever, "ask")(queries)  # noqa: B009  # optional in the contract
            for name, retriever in self.retrievers.items()
        }
        with account.timed("retrieve"):
            answers = self._store.search_together(
                [(ask.representation, ask.rows, deep[name]) for name, ask in asked.items()], filters
            )
        for (name, ask), found in zip(asked.items(), answers, strict=True):
            yield name, ask.finish(found)

    def _fuse(self, branches: Mapping[str, Candidates], top_k: int, *, whole: bool) -> Candidates:
        """The best top_k, or with `whole` everything that some branch found."""
        exhaustive = all(candidates.exhaustive for candidates in branches.values())
        if self._fusion is None:
            (name, only), *_ = branches.items()
            ranks = np.arange(1, len(only) + 1, dtype=np.int32)
            share = BranchScores(ranks, only.scores, only.scores, 1.0, only.scores)
            return Candidates(
                only.rows, only.scores, only.bound, exhaustive, contributions={name: share}
            )
        fused = self._fusion.fuse(branches, sum(map(len, branches.values())) if whole else top_k)
        return Candidates(
            fused.rows, fused.scores, fused.bound, exhaustive, contributions=fused.contributions
        )

    def _unknown_keys(self, filters: Filter) -> list[str]:
        """A sentence for each key of the filters that no document has, where the store can tell."""
        missing = getattr(self._store, "missing_keys", None)
        keys = missing(filters) if missing else []
        if not keys:
            return []
        known_keys = getattr(self._store, "known_keys", None)
        known = known_keys(unscoped(filters)[0]) if known_keys else ()
        return [f"no document has the metadata key {key!r}{hint(key, known)}" for key in keys]

    def _check_scope(self, rows: Rows, filters: Filter | None) -> None:
        """Raise StoreError where a retriever gave another tenant's rows: better none than those."""
        tenant, _ = unscoped(filters)
        if tenant is not None and any(owner != tenant for owner in self._store.tenants(rows)):
            raise StoreError(
                f"a retriever of {', '.join(self.retrievers)} gave rows outside the tenant's "
                "scope; it must hand `filters` to the store"
            )

    # from candidates to hits

    def _fetch(
        self,
        candidates: Candidates,
        documents: Rows | None,
        top_k: int,
        account: Account,
    ) -> _Fetched:
        """The chunks that may become hits, in their order."""
        deep = top_k
        if self._reranker is not None:
            deep = max(top_k, getattr(self._reranker, "depth", RERANK_DEPTH))
        with account.timed("fetch"):
            order = chosen(candidates.scores, documents, deep)
            chunks = self._store.get(candidates.rows[order])
            order, chunks = by_id_where_equal(candidates.scores, order, chunks)
            if documents is not None:
                order, chunks = first_of_documents(order, chunks)
            return _Fetched(candidates, order[:deep], chunks[:deep])

    def _hits(
        self,
        text: str,
        fetched: _Fetched,
        top_k: int,
        account: Account,
        ways: Mapping[str, Mapping[int, str]],
    ) -> list[Hit]:
        candidates, order, chunks = fetched.candidates, fetched.order, fetched.chunks
        scores = candidates.scores[order]
        reranked: list[dict[str, Any] | None] = [None] * len(chunks)
        if self._reranker is not None and chunks:
            with account.timed("rerank"):
                ranked = self._reranker.rank(text, chunks, top_k)
            places = ranked.rows.tolist()
            order, chunks = order[places], [chunks[place] for place in places]
            scores = ranked.scores
            reranked = [
                {"rank": rank, "score": float(score)} for rank, score in enumerate(scores, start=1)
            ]
        with account.timed("trace"):
            told = traces(candidates, order, ways)
            return [
                Hit(chunk, score, rank, {"branches": branches, "rerank": rerank, "score": score})
                for rank, (chunk, score, branches, rerank) in enumerate(
                    zip(chunks, scores.tolist(), told, reranked, strict=True), start=1
                )
            ][:top_k]

    def _tell(self, account: Account, n: int) -> None:
        if self._stage_done is None:
            return
        for step, seconds in account.timings.items():
            if step in self.retrievers:
                self._stage_done("retrieve", seconds, n, branch=step)
            elif step in STAGES:
                self._stage_done(step, seconds, n)
