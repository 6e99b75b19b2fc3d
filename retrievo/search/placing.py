"""From candidates to hits: chunks are fetched, reranked where that is wanted, and accounted for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retrievo.contracts import Reranker, Store
from retrievo.hits import Hit
from retrievo.search.account import Account
from retrievo.search.ranking import by_id_where_equal, chosen, first_of_documents, traces
from retrievo.search.reranking import Reranked, reranked
from retrievo.search.trail import Trail
from retrievo.search.turn import Turn
from retrievo.types import Candidates, Chunk, Found, Query, Rows

RERANK_DEPTH = 50
"""How many fused candidates a reranker reads that does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Candidates of one query, and of those that may become hits their places and chunks."""

    candidates: Candidates
    order: Rows
    chunks: list[Chunk]


def fetched(
    store: Store, candidates: Candidates, documents: Rows | None, deep: int, account: Account
) -> Fetched:
    """The chunks that may become hits, in their order: the best `deep`, one of each document where
    `documents` tells them apart.
    """
    with account.timed("fetch"):
        order = chosen(candidates.scores, documents, deep)
        chunks = store.get(candidates.rows[order])
        order, chunks = by_id_where_equal(candidates.scores, order, chunks)
        if documents is not None:
            order, chunks = first_of_documents(order, chunks)
        return Fetched(candidates, order[:deep], chunks[:deep])


def placed(
    reranker: Reranker | None,
    text: str,
    forms: Sequence[Query],
    found: Fetched,
    top_k: int,
    turn: Turn,
    account: Account,
    i: int,
    trail: Trail | None,
) -> list[Hit]:
    """The hits of the i-th query, in the order of the reranker where there is one."""
    candidates, order, chunks = found.candidates, found.order, found.chunks
    again: Reranked | None = None
    if reranker is not None and chunks:
        query = next((form for form in forms if form.text == text), forms[0])
        handed = Found(chunks, candidates.rows[order], candidates.scores[order])
        with account.timed("rerank"):
            again = reranked(reranker, query, handed, turn, account, i)
    if trail is not None:
        trail.order, trail.chunks, trail.reranked = order, chunks, again
    with account.timed("trace"):
        told = traces(candidates, order, account.scored_by[i])
        fused = candidates.scores[order].tolist()
        hits = []
        places = range(len(chunks)) if again is None else again.places
        for rank, place in enumerate(places[:top_k], start=1):
            score = fused[place]
            trace: dict[str, Any] = {"branches": told[place], "rerank": None}
            if again is not None:
                trace["rerank"] = again.traces[rank - 1]
                trace["fused"] = {"rank": place + 1, "score": score}
                score = again.scores[rank - 1]
            trace["score"] = score
            hits.append(Hit(chunks[place], score, rank, trace))
        return hits
