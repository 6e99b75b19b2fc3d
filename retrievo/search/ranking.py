"""Candidates put in order: forms of a query merged, ties, the best of each document, traces."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from retrievo.types import Candidates, Chunk, Query, Rows, Scores


def merged(found: Sequence[Candidates], queries: Sequence[Query]) -> Candidates:
    """One list of a branch's answers to the forms of one query: each row's best weighted score."""
    if len(found) == 1 and queries[0].weight == 1.0:
        return found[0]
    rows = np.concatenate([c.rows for c in found])
    parts = [q.weight * c.scores for q, c in zip(queries, found, strict=True)]
    unique, where = np.unique(rows, return_inverse=True)
    best = np.full(len(unique), -np.inf, np.float32)
    np.maximum.at(best, where, np.concatenate(parts).astype(np.float32))
    order = np.lexsort((unique, -best))
    pairs = zip(queries, found, strict=True)
    bounds = [q.weight * c.bound for q, c in pairs if c.bound is not None]
    return Candidates(
        unique[order],
        best[order],
        max(bounds) if len(bounds) == len(found) else None,
        all(c.exhaustive for c in found),
        found[0].weight,
        scored_by=_ways_of_best(found, parts, unique[order]),
    )


def _ways_of_best(
    found: Sequence[Candidates], scores: Sequence[Scores], rows: Rows
) -> list[str] | None:
    """For each row the way of the form of the query that gave it its best score."""
    if all(one.scored_by is None for one in found):
        return None
    best: dict[int, tuple[float, str]] = {}
    for one, mine in zip(found, scores, strict=True):
        ways = one.scored_by or [""] * len(one)
        for row, score, way in zip(one.rows.tolist(), mine.tolist(), ways, strict=True):
            if row not in best or score > best[row][0]:
                best[row] = score, way
    return [best[row][1] for row in rows.tolist()]


def scored_by(branches: Mapping[str, Candidates]) -> dict[str, dict[int, str]]:
    """Of each branch that scores in several ways, the way by row."""
    return {
        name: dict(zip(found.rows.tolist(), found.scored_by, strict=True))
        for name, found in branches.items()
        if found.scored_by is not None
    }


def chosen(scores: Scores, documents: Rows | None, top_k: int) -> Rows:
    """Places of the best top_k, of the best of top_k documents where `documents` tells them apart.

    Places that equal another in score, and would be cut or passed over for it, are kept: which of
    them stays is decided by their chunks' ids.
    """
    places = np.arange(len(scores))
    if documents is not None:
        _, first, where = np.unique(documents, return_index=True, return_inverse=True)
        places = places[scores == scores[first][where]]
        leaders = np.sort(first)
    else:
        leaders = places
    if len(leaders) <= top_k:
        return places
    kept: Rows = places[scores[places] >= scores[leaders[top_k - 1]]]
    return kept


def by_id_where_equal(scores: Scores, order: Rows, chunks: list[Chunk]) -> tuple[Rows, list[Chunk]]:
    """Equal scores in the order of their chunks' ids, which no store's row numbers can change."""
    mine = scores[order].tolist()
    if all(a > b for a, b in pairwise(mine)):
        return order, chunks
    by_id = sorted(range(len(chunks)), key=lambda i: (-mine[i], chunks[i].id))
    return order[by_id], [chunks[i] for i in by_id]


def first_of_documents(order: Rows, chunks: Sequence[Chunk]) -> tuple[Rows, list[Chunk]]:
    seen: set[str] = set()
    kept = []
    for i, chunk in enumerate(chunks):
        if chunk.doc_id not in seen:
            seen.add(chunk.doc_id)
            kept.append(i)
    return order[kept], [chunks[i] for i in kept]


def traces(
    candidates: Candidates, order: Rows, ways: Mapping[str, Mapping[int, str]]
) -> list[dict[str, dict[str, Any]]]:
    """Per candidate, per branch: rank (None where not found), raw score (None where the branch has
    not scored it) and what it gave.

    `scored_by` is there for branches that score in several ways, with the way of this row.
    """
    traces: list[dict[str, dict[str, Any]]] = [{} for _ in range(len(order))]
    for name, branch in (candidates.contributions or {}).items():
        columns = zip(
            branch.rank[order].tolist(),
            branch.score[order].tolist(),
            branch.normalised[order].tolist(),
            branch.contribution[order].tolist(),
            strict=True,
        )
        for trace, (rank, score, normalised, contribution) in zip(traces, columns, strict=True):
            trace[name] = {
                "rank": rank or None,
                "score": None if score != score else score,
                "normalised": normalised,
                "weight": branch.weight,
                "contribution": contribution,
            }
    for name, by_row in ways.items():
        for trace, row in zip(traces, candidates.rows[order].tolist(), strict=True):
            if row in by_row and name in trace:
                trace[name]["scored_by"] = by_row[row]
    return traces
