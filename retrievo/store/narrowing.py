"""Search among the rows that a filter leaves, exact whatever their share is."""

from typing import Any

import numpy as np

from retrievo.store.columns import Matching
from retrievo.store.engine import Engine, only
from retrievo.store.ordering import best_first
from retrievo.types import Candidates

SPARE = 1.5
"""How much deeper than the expected place of the last match a filtered search looks at once."""


def search_among(
    engine: Engine, representation: str, query: Any, depth: int, among: Matching | None
) -> Candidates:
    """The best `depth` rows of those that match; all rows where `among` is None.

    Where a large share matches, the search looks deeper and drops the rest: fetching k more
    results costs less than handing over a set of n ids when k is under n / 2. Where that was not
    deep enough, and where few match, the engine gets the set of ids and scores just those.
    """
    sparse = isinstance(query, tuple)
    nothing = Candidates(np.empty(0, np.int64), np.empty(0, np.float32), exhaustive=True)
    if depth < 1 or (sparse and not len(query[0])) or (among is not None and not len(among.rows)):
        return nothing
    if among is None or len(among.rows) == among.total:
        rows, scores = engine.search(representation, query, depth)
        return best_first(rows, scores, depth, exhaustive=len(rows) < depth)
    limit = int(depth * among.total / len(among.rows) * SPARE) + 16
    if limit <= len(among.rows) // 2:
        rows, scores = engine.search(representation, query, limit)
        passed = np.isin(rows, among.rows, assume_unique=True)
        n = int(passed.sum())
        if n >= depth or len(rows) < limit:
            return best_first(rows[passed], scores[passed], depth, exhaustive=n < depth)
    if among.condition is None:
        among.condition = only(among.rows)
    rows, scores = engine.search(representation, query, depth, among.condition)
    return best_first(rows, scores, depth, exhaustive=len(rows) < depth)
