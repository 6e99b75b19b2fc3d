"""Candidates in the order of a reranker, followed by those that it has not read."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from retrievo.contracts import Reranker
from retrievo.errors import SearchError
from retrievo.search.account import Account
from retrievo.search.turn import Turn
from retrievo.types import Candidates, Found, Query


@dataclass(frozen=True, slots=True)
class Reranked:
    """`places` in what was found, in their new order; a score and an entry of the trace for each.

    What the reranker has not read keeps its fused score, which is on another scale: its trace says
    so by having no entry.
    """

    places: list[int]
    scores: list[float]
    traces: list[dict[str, Any] | None]


def reranked(
    reranker: Reranker, query: Query, found: Found, turn: Turn, account: Account, i: int
) -> Reranked | None:
    """The new order; None where the reranker failed or was late, which is told."""
    n = len(found)
    if hasattr(reranker, "rank_found"):
        rank = turn.method(reranker, "rank_found")
        outcome = turn.outcome("the reranker", lambda: rank(query, found, n))
    else:
        rank = turn.method(reranker, "rank")
        outcome = turn.outcome("the reranker", lambda: rank(query.text, found.chunks, n))
    try:
        if isinstance(outcome, Exception):
            raise outcome
        ranked = _checked(reranker, outcome, n)
    except Exception as error:  # a plugin's code may raise anything
        account.gone_on(i, "the reranker", error, "hits are in the order of the fusion")
        return None
    places = [int(place) for place in ranked.rows]
    scores = [float(score) for score in ranked.scores]
    traces: list[dict[str, Any] | None] = [
        {"rank": rank, "score": score} for rank, score in enumerate(scores, start=1)
    ]
    for trace, way in zip(traces, ranked.scored_by or (), strict=False):
        if trace is not None:
            trace["scored_by"] = way
    read = set(places)
    rest = [place for place in range(n) if place not in read]
    if rest:
        account.tell(
            i,
            f"the reranker read {len(places)} of {n} candidates; the others follow in the order "
            "and with the scores of the fusion",
        )
    fused = found.scores.tolist()
    return Reranked(
        places + rest, scores + [fused[place] for place in rest], traces + [None] * len(rest)
    )


def _checked(reranker: Reranker, ranked: Candidates, n: int) -> Candidates:
    name = type(reranker).__name__
    if not isinstance(ranked, Candidates):
        raise SearchError(f"the reranker {name} gave a {type(ranked).__name__}, no Candidates")
    rows, scores = np.asarray(ranked.rows), np.asarray(ranked.scores)
    if rows.ndim != 1 or rows.shape != scores.shape or (len(rows) and rows.dtype.kind not in "iu"):
        raise SearchError(
            f"the reranker {name} gave positions of shape {rows.shape} and type {rows.dtype} with "
            f"scores of shape {scores.shape}"
        )
    if len(np.unique(rows)) != len(rows) or (len(rows) and (rows.min() < 0 or rows.max() >= n)):
        raise SearchError(
            f"the reranker {name} gave a position twice, or one that is not among the {n} chunks"
        )
    if not np.isfinite(scores).all():
        raise SearchError(f"the reranker {name} gave a score that is no number")
    return ranked
