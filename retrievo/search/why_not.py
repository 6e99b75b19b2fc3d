"""Why a document is not among the hits: the first step that lost it, and by how much."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from retrievo.contracts import Encoder, Retriever, Store
from retrievo.filters import And, Filter, matches, unscoped
from retrievo.hits import Hits
from retrievo.ingest.sources import check_ids
from retrievo.search.after import Dropped, Tools, finished
from retrievo.search.after import Step as AfterStep
from retrievo.search.branches import DEPTH
from retrievo.search.options import SearchOptions
from retrievo.search.searcher import Searcher
from retrievo.search.tail import Tail, tail_of
from retrievo.search.trail import Trail
from retrievo.types import Candidates, Chunk, Rows

DEEPEST = 100_000
"""Ranks are looked for down to here."""

Step = (
    Literal[
        "found",
        "empty query",
        "not indexed",
        "filtered out",
        "no match",
        "truncated tail",
        "beyond depth",
        "below others after fusion",
        "below others after reranking",
    ]
    | AfterStep
)


@dataclass(frozen=True, slots=True)
class WhyNot:
    """The first step of a search that lost a document.

    `rank` is the place that the document's best chunk had there, from 1, and `limit` down to which
    place chunks went on; `margin` is what its score lacked. `detail` holds what is particular to
    the step: the `clause` of a filter, the `branch`, `below` whom, `of` what it is a duplicate.
    `failed` names branches that did not answer, with the reason.
    """

    query: str
    doc_id: str
    step: Step
    rank: int | None = None
    limit: int | None = None
    margin: float | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {
            "query": self.query,
            "doc_id": self.doc_id,
            "step": self.step,
            "rank": self.rank,
            "limit": self.limit,
            "margin": self.margin,
            "detail": dict(self.detail),
            "failed": dict(self.failed),
        }

    def __str__(self) -> str:
        said = f"{self.doc_id!r} for {self.query!r}: {self.step}"
        if self.rank is not None:
            said += f", rank {self.rank}"
        if self.limit is not None:
            said += f" where the best {self.limit} go on"
        if self.margin is not None:
            said += f", {self.margin:.4g} short in score"
        for name, value in self.detail.items():
            said += f"\n  {name}: {value}"
        for name, reason in self.failed.items():
            said += f"\n  {name} did not answer: {reason}"
        return said


class Asking:
    """One question why a document is not found, over the parts of a pipeline."""

    def __init__(
        self,
        store: Store,
        searcher: Searcher,
        tools: Tools,
        encoder: Callable[[], Encoder],
    ) -> None:
        self._store = store
        self._searcher = searcher
        self._tools = tools
        self._encoder = encoder

    def why_not(
        self,
        query: str,
        doc_id: str,
        top_k: int,
        deep: int,
        filters: Filter | None,
        options: SearchOptions,
    ) -> WhyNot:
        """The account of the same search that a user would run; `deep` is what it looks at."""
        rows, chunks = self._stored(doc_id, filters)
        if not query.strip():
            return WhyNot(query, doc_id, "empty query")
        if not len(rows):
            return WhyNot(query, doc_id, "not indexed")
        _, wanted = unscoped(filters)
        if wanted is not None and not any(
            matches(wanted, chunk.metadata, chunk.doc_id) for chunk in chunks
        ):
            clauses = [str(part) for part in failing(wanted, chunks[0])]
            return WhyNot(query, doc_id, "filtered out", detail={"clause": "; ".join(clauses)})
        trail = Trail()
        [found] = self._searcher.search([query], deep, filters, options, trail=trail)
        failed = {name: f"{type(e).__name__}: {e}" for name, e in trail.failed.items()}
        hits, dropped = finished(found, options, top_k, self._tools)
        lost = self._lost(doc_id, rows, chunks, trail, filters, found, hits, dropped, deep, top_k)
        step, rank, limit, margin, detail = lost
        if step in ("beyond depth", "no match", "below others after fusion"):
            tail = tail_of(chunks, rows, trail, self._searcher.retrievers, self._encoder)
            if tail is not None and tail.rank <= top_k:
                return _truncated(query, doc_id, tail, rank, failed)
        return WhyNot(query, doc_id, step, rank, limit, margin, detail, failed)

    def _stored(self, doc_id: str, filters: Filter | None) -> tuple[Rows, list[Chunk]]:
        with self._store.reading():
            known = check_ids(doc_id)
            tenant, _ = unscoped(filters)
            rows = self._store.document_rows(known, tenant)[0] if known else np.empty(0, np.int64)
            return rows, self._store.get(rows) if len(rows) else []

    def _lost(
        self,
        doc_id: str,
        rows: Rows,
        chunks: Sequence[Chunk],
        trail: Trail,
        filters: Filter | None,
        found: Hits,
        hits: Hits,
        dropped: Sequence[Dropped],
        deep: int,
        top_k: int,
    ) -> tuple[Step, int | None, int | None, float | None, Mapping[str, Any]]:
        for hit in hits:
            if hit.doc_id == doc_id:
                return "found", hit.rank, top_k, None, {}
        if trail.fused is None or best_place(trail.fused, rows) is None:
            return self._beyond(rows, trail, filters, deep)
        for gone in dropped:
            # What another chunk of the document stands for has not lost the document.
            if gone.hit.doc_id == doc_id and gone.detail.get("of") != doc_id:
                return gone.step, gone.hit.rank, None, None, gone.detail
        mine = {chunk.id for chunk in chunks}
        fetched = [place for place, chunk in enumerate(trail.chunks) if chunk.id in mine]
        if not fetched:
            place = best_place(trail.fused, rows)
            assert place is not None
            last = len(trail.chunks)
            margin = None
            if last and trail.order is not None:
                lowest = float(trail.fused.scores[trail.order[last - 1]])
                margin = lowest - float(trail.fused.scores[place])
            detail = {"below": trail.chunks[-1].doc_id} if last else {}
            return "below others after fusion", place + 1, last, margin, detail
        scores = [float(s) for s in trail.fused.scores[trail.order]]
        order, step = list(range(len(trail.chunks))), "below others after fusion"
        if trail.reranked is not None:
            order, scores = trail.reranked.places, trail.reranked.scores
            step = "below others after reranking"
        rank = min(order.index(place) for place in fetched) + 1
        last = min(len(hits) or top_k, len(order))
        margin = scores[last - 1] - scores[rank - 1]
        detail = {"below": hits[-1].doc_id} if len(hits) else {}
        return step, rank, top_k, margin, detail  # type: ignore[return-value]

    def _beyond(
        self, rows: Rows, trail: Trail, filters: Filter | None, deep: int
    ) -> tuple[Step, int | None, int | None, float | None, Mapping[str, Any]]:
        """How deep the document is in the branch that has it nearest."""
        nearest: tuple[float, str, int, int, float | None] | None = None
        for name, retriever in self._searcher.retrievers.items():
            if name in trail.failed:
                continue
            depth = max(deep, getattr(retriever, "depth", DEPTH))
            place, margin = self._place(name, retriever, rows, trail, filters)
            if place is None:
                continue
            if nearest is None or place / depth < nearest[0]:
                nearest = place / depth, name, place + 1, depth, margin
        if nearest is None:
            return "no match", None, None, None, {"branches": list(self._searcher.retrievers)}
        _, name, rank, depth, margin = nearest
        return "beyond depth", rank, depth, margin, {"branch": name}

    def _place(
        self, name: str, retriever: Retriever, rows: Rows, trail: Trail, filters: Filter | None
    ) -> tuple[int | None, float | None]:
        """Where the branch has the document, and what its score lacks of the last that went on."""
        search = getattr(retriever, "first_stage", None) or retriever.search
        best: int | None = None
        margin: float | None = None
        with self._store.reading():
            deepest = min(max(self._store.count(), 1), DEEPEST)
            for form in trail.forms:
                [found] = search([form], deepest, filters)
                place = best_place(found, rows)
                if place is None or (best is not None and place >= best):
                    continue
                best = place
                went_on = trail.branches[name]
                n = len(went_on) if went_on.found is None else went_on.found
                if n and search == retriever.search:
                    score = form.weight * float(found.scores[place])
                    margin = float(went_on.scores[n - 1]) - score
        return best, margin


def best_place(found: Candidates, rows: Rows) -> int | None:
    """Where the first of the rows is among the candidates."""
    places = np.flatnonzero(np.isin(found.rows, rows))
    return int(places[0]) if len(places) else None


def failing(filters: Filter, chunk: Chunk) -> list[Filter]:
    """The clauses that keep the chunk out: of an "and" those that are false, else the whole."""
    if isinstance(filters, And):
        false = [p for p in filters.parts if not matches(p, chunk.metadata, chunk.doc_id)]
        return [clause for part in false for clause in failing(part, chunk)]
    return [filters]


def _truncated(
    query: str, doc_id: str, tail: Tail, rank: int | None, failed: Mapping[str, str]
) -> WhyNot:
    detail = {
        "branch": tail.branch,
        "tokens_seen": tail.seen,
        "tokens_total": tail.total,
        "rank_of_the_unread_tail": tail.rank,
    }
    return WhyNot(query, doc_id, "truncated tail", rank, None, None, detail, failed)
