"""Where a document stands for a query that was cut out of it, as if it had been indexed so."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from retrievo.contracts import Fusion, Retriever, Store
from retrievo.search.completing import wholly_scored
from retrievo.tune.pseudo_queries import PseudoQuery
from retrievo.types import (
    Candidates,
    Document,
    MultiRows,
    Query,
    Representation,
    Rows,
    Scores,
    SparseRows,
)

DEPTH = 100
OWN = np.iinfo(np.int64).max
"""The row of the shortened chunk, which is in no store."""


def candidates_of(
    store: Store, retrievers: Mapping[str, Retriever], drawn: Sequence[PseudoQuery]
) -> list[dict[str, Candidates]]:
    """What each branch finds for each query: its document's rows are out, the shortened is in.

    Each branch has scored what the other found, where it can.
    """
    queries = [Query(one.text) for one in drawn]
    made: list[dict[str, Candidates]] = [{} for _ in drawn]
    for name, retriever in retrievers.items():
        found = retriever.search(queries, DEPTH)
        for one, mine, own in zip(drawn, made, found, strict=True):
            mine[name] = _kept(own, ~np.isin(own.rows, one.rows))
    own_scores = {
        name: _own_scores(store, retriever, queries, drawn)
        for name, retriever in retrievers.items()
    }
    for at, (query, mine) in enumerate(zip(queries, made, strict=True)):
        for name, full in wholly_scored(mine, retrievers, query).items():
            mine[name] = _with_own(full, own_scores[name][at])
    return made


def gain_of(
    fusion: Fusion, lists: Mapping[str, Candidates], query: PseudoQuery, store: Store
) -> float:
    """nDCG@10 of the shortened chunk's document; what ties with it is half before it."""
    fused = fusion.fuse(lists, sum(len(one) for one in lists.values()))
    own = float(fused.scores[fused.rows == OWN][0])
    others = fused.rows != OWN
    before = set(_documents(store, fused.rows[others & (fused.scores > own)]))
    ties = set(_documents(store, fused.rows[others & (fused.scores == own)])) - before
    rank = 1 + len(before) + len(ties) / 2
    return 1 / math.log2(rank + 1) if rank <= 10 else 0.0


def _documents(store: Store, rows: Rows) -> list[int]:
    if len(rows) > DEPTH:
        rows = rows[:DEPTH]  # far beyond the tenth place
    return [] if not len(rows) else store.document_numbers(rows).tolist()


def _kept(found: Candidates, kept: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Candidates:
    return replace(found, rows=found.rows[kept], scores=found.scores[kept], scored_by=None)


def _with_own(found: Candidates, own: float) -> Candidates:
    """The shortened chunk at the place that its score has among the found, or after all others."""
    n = len(found) if found.found is None else found.found
    at = int(np.searchsorted(-found.scores[:n], -np.float32(own)))
    inside = at < n or (found.exhaustive and own > 0)
    if not inside:
        at = len(found)
    return replace(
        found,
        rows=np.insert(found.rows, at, OWN),
        scores=np.insert(found.scores, at, np.float32(own)),
        found=n + inside,
    )


def _own_scores(
    store: Store,
    retriever: Retriever,
    queries: Sequence[Query],
    drawn: Sequence[PseudoQuery],
) -> list[float]:
    """The score of each query with its shortened chunk, which is represented for it."""
    items = [
        (Document(one.chunk.doc_id, one.chunk.text, one.chunk.metadata), [one.chunk])
        for one in drawn
    ]
    (name, rows), *_ = retriever.represent(items).items()
    asked = retriever.ask(queries).rows  # type: ignore[attr-defined]  # it was looked for
    times_idf = retriever.representations[name].idf and "idf" in store.capabilities
    return [
        _similarity(store, name, asked, rows, i, times_idf=times_idf) for i in range(len(drawn))
    ]


def _similarity(
    store: Store,
    name: str,
    asked: Representation,
    rows: Representation,
    i: int,
    *,
    times_idf: bool,
) -> float:
    """The score of the i-th query with the i-th row, as a store computes it."""
    if isinstance(asked, SparseRows) and isinstance(rows, SparseRows):
        indices, values = asked[i]
        if times_idf:
            n, df = store.statistics(name).n, store.frequencies(name, indices)
            values = (values * np.log1p((n - df + 0.5) / (df + 0.5))).astype(np.float32)
        return _overlap(indices, values, *rows[i])
    if isinstance(asked, MultiRows) and isinstance(rows, MultiRows):
        similar = asked[i] @ rows[i].T
        return float(similar.max(axis=1).sum()) if similar.size else 0.0
    return float(np.asarray(asked[i]) @ np.asarray(rows[i]))


def _overlap(
    mine: "np.ndarray[tuple[int], np.dtype[np.uint32]]",
    values: Scores,
    theirs: "np.ndarray[tuple[int], np.dtype[np.uint32]]",
    others: Scores,
) -> float:
    _, a, b = np.intersect1d(mine, theirs, return_indices=True)
    return float(values[a] @ others[b])
