"""Search among the rows that a filter leaves: never fewer than there are, whatever their share.

How many match is known, not estimated, so the way is chosen by cost. Handing the engine a set of n
ids costs about .8 µs an id, and it then scores just those, exactly. Fetching k more results than
asked for and dropping those that do not match costs about 6 µs a result, rescoring included, and
the scan or the walk besides. Filtering inside the graph was never the best way with a set of ids:
handing it over costs as much as scoring it, and recall@10 fell to .74 at 20 % and .01 at 5 % of the
rows. Nor was looking twice as deep again and again: where the first look finds too few, the rows
that match lie far away, and their ids are cheaper than the way there.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrievo.store.columns.columns import Matching
from retrievo.store.local.engine import Engine, only
from retrievo.store.ordering import best_first
from retrievo.types import Candidates, Representation, Rows, Scores

SPARE = 1.5
"""How much deeper than the expected place of the last match a filtered search looks at once."""

EXACT_BELOW = 20_000
"""Matches that are scored one by one rather than looked for in a graph, which may miss some."""

DEEPEST = 2_000
"""Results that are fetched from a graph at most, to be filtered afterwards."""

LOOK_AT = 1024
"""Least number of candidates that a filtered search in a graph keeps: those that match are spread
over more places than the first few, where a graph is less sure."""

Queries = Representation | Sequence[Any]
Found = tuple[Rows, Scores]


def search_among(
    engine: Engine,
    representation: str,
    queries: Queries,
    depth: int,
    among: Matching | None,
) -> list[Candidates]:
    """For each query the best `depth` rows of those that match; all rows where `among` is None."""
    if depth < 1 or (among is not None and not len(among.rows)):
        return [_nothing(exhaustive=depth > 0) for _ in range(len(queries))]
    asked, values = _asked(engine, representation, queries)
    found = _search(engine, representation, values, depth, among)
    given = {
        i: best_first(*one, depth, exhaustive=len(one[0]) < depth)
        for i, one in zip(asked, found, strict=True)
    }
    return [given[i] if i in given else _nothing(exhaustive=True) for i in range(len(queries))]


def scores_of(engine: Engine, representation: str, queries: Queries, rows: Rows) -> list[Scores]:
    """For each query the score of each row with the stored vectors; 0 where nothing is shared."""
    given = [np.zeros(len(rows), np.float32) for _ in range(len(queries))]
    asked, values = _asked(engine, representation, queries)
    if not len(rows) or not asked:
        return given
    found = engine.search(representation, values, len(rows), only(rows), exact=True)
    order = np.argsort(rows, kind="stable")
    for i, (known, scores) in zip(asked, found, strict=True):
        # A row may be asked for twice; each place takes the score of its row.
        at = np.argsort(known)
        places = np.searchsorted(known[at], rows[order])
        inside = places < len(known)
        here = np.flatnonzero(inside)[known[at][places[inside]] == rows[order][inside]]
        given[i][order[here]] = scores[at][places[here]]
    return given


def _asked(engine: Engine, representation: str, queries: Queries) -> tuple[list[int], list[Any]]:
    """The places of the queries that can find anything, and what the engine is asked for them."""
    kind = engine.space(representation).kind
    each: list[Any] = [queries[i] for i in range(len(queries))]
    if kind == "sparse":
        places = [i for i, query in enumerate(each) if len(query[0])]
        return places, [each[i] for i in places]
    return list(range(len(each))), [_several(q) if kind == "multi" else q for q in each]


def _search(
    engine: Engine, representation: str, queries: list[Any], depth: int, among: Matching | None
) -> list[Found]:
    if among is None or len(among.rows) == among.total:
        return _among_all(engine, representation, queries, depth)
    limit = int(depth * among.total / len(among.rows) * SPARE) + 16
    found: list[Found | None] = [None] * len(queries)
    if _worth_dropping(engine, representation, limit, among):
        look_at = max(LOOK_AT, 4 * limit)
        deep = engine.search(representation, queries, limit, look_at=look_at)
        for i, (rows, scores) in enumerate(deep):
            passed = np.isin(rows, among.rows, assume_unique=True)
            if passed.sum() >= depth or (len(rows) < limit and not engine.graph(representation)):
                found[i] = rows[passed], scores[passed]
    # Too few came back, so what matches is far from the query: it is asked for by its ids.
    left = [i for i, one in enumerate(found) if one is None]
    if left:
        if among.condition is None:
            among.condition = only(among.rows)
        some = [queries[i] for i in left]
        exact = engine.search(representation, some, depth, among.condition, exact=True)
        for i, one in zip(left, exact, strict=True):
            found[i] = one
    return [one for one in found if one is not None]


def _among_all(engine: Engine, representation: str, queries: list[Any], depth: int) -> list[Found]:
    found = engine.search(representation, queries, depth)
    if engine.graph(representation):
        # Equal vectors can link to one another and to nobody else; a walk may end among them.
        n = min(depth, engine.count()) if any(len(rows) < depth for rows, _ in found) else 0
        short = [i for i, (rows, _) in enumerate(found) if len(rows) < n]
        if short:
            some = [queries[i] for i in short]
            for i, one in zip(
                short, engine.search(representation, some, depth, exact=True), strict=True
            ):
                found[i] = one
    return found


def _worth_dropping(engine: Engine, representation: str, limit: int, among: Matching) -> bool:
    """Whether to fetch `limit` results and drop what does not match, rather than hand over ids."""
    matches = len(among.rows)
    kind = engine.space(representation).kind
    if kind == "multi":
        return limit <= matches // 20  # scoring a row costs far more than handing over its id
    if kind == "sparse":
        return 2 * limit <= matches
    if engine.graph(representation):
        return matches > EXACT_BELOW and limit <= DEEPEST
    # In ids handed over: a scan of 12 rows costs one, fetching and rescoring a result seven.
    return among.total // 12 + 7 * limit <= matches


def _several(query: np.ndarray) -> np.ndarray:
    """The query's vectors; a zero vector where it has none, with which everything scores 0."""
    return query if len(query) else np.zeros((1, query.shape[1]), np.float32)


def _nothing(*, exhaustive: bool) -> Candidates:
    return Candidates(np.empty(0, np.int64), np.empty(0, np.float32), exhaustive=exhaustive)
