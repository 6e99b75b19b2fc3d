"""How sure a hit is, without labels: how its score compares with what nonsense reaches.

A random query, of words drawn from as many different chunks, has no answer in the collection; the
best score that it gets all the same is what chance is worth there. The share of random queries
that stay below a score is one minus its empirical p-value (North, Curtis, Sham 2002).
"""

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Store
from retrievo.filters import scoped
from retrievo.search.searcher import Searcher
from retrievo.types import Rows

QUERIES = 200
SHORTEST, LONGEST = 3, 10
"""Words of a random query: as many as questions have that are no stop words."""
LEAST_CHUNKS = 20
"""Of fewer no query can be drawn whose words belong to different texts."""

_WORD = re.compile(r"\w{3,}")


class Confidence:
    """The confidence of a score, from the best scores of random queries."""

    def __init__(self, scores: npt.NDArray[np.float64]) -> None:
        self._scores = np.sort(scores)

    def __call__(self, score: float) -> float:
        """From 0 to below 1: 0 is what chance gives, .95 what one random query in twenty beats."""
        n = len(self._scores)
        above = n - int(np.searchsorted(self._scores, score, side="left"))
        return 1.0 - (above + 1) / (n + 1)


def measured(searcher: Searcher, store: Store, tenant: str | None) -> Confidence | None:
    """The confidence of the searcher's scores; None where there are too few chunks to say.

    The same index gives the same. The searcher should have no reranker and no expander: it is asked
    QUERIES times.
    """
    drawn = random_queries(store, tenant)
    if not drawn:
        return None
    found = searcher.search(drawn, 1, scoped(None, tenant))
    return Confidence(np.array([hits[0].score if len(hits) else 0.0 for hits in found]))


def random_queries(store: Store, tenant: str | None, seed: int = 0) -> list[str]:
    """Queries that mean nothing: each of their words is from another chunk."""
    draw = np.random.default_rng(seed)
    rows = np.concatenate([np.empty(0, np.int64), *_rows(store, tenant)])
    if len(rows) < LEAST_CHUNKS:
        return []
    some = draw.choice(rows, min(len(rows), 2 * QUERIES), replace=False)
    texts = [_WORD.findall(chunk.text) for chunk in store.get(np.sort(some))]
    texts = [words for words in texts if words]
    if len(texts) < LEAST_CHUNKS:
        return []
    queries = []
    for _ in range(QUERIES):
        size = int(draw.integers(SHORTEST, LONGEST + 1))
        chosen = draw.choice(len(texts), size, replace=False)
        queries.append(" ".join(texts[i][int(draw.integers(len(texts[i])))] for i in chosen))
    return queries


def _rows(store: Store, tenant: str | None) -> Iterator[Rows]:
    for rows in store.scan(8192):
        if tenant is not None:
            rows = rows[np.array([owner == tenant for owner in store.tenants(rows)], bool)]
        yield rows
