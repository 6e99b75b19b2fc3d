"""The teacher's second look at what a student found: always, or where the student is unsure."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Store
from retrievo.filters import Filter
from retrievo.types import Candidates, Query, Vectors

When = Literal["always", "unsure"]

TOP = 10
"""Rank whose score is compared with the first's: of ten near equal candidates any may be right."""

TEACHER, STUDENT = "teacher", "student"


class Rescue:
    """Scores candidates again with the teacher's query vector, which `encode` gives.

    "always" costs one query of the teacher each. With "unsure" only queries are encoded whose first
    and tenth document are nearer to each other than `margin` in the student's scores.
    """

    def __init__(
        self,
        store: Store,
        representation: str,
        encode: Callable[[Sequence[Query]], Vectors],
        *,
        when: When,
        margin: float | None,
    ) -> None:
        self._store, self._name, self._encode = store, representation, encode
        self._when, self._margin = when, margin
        self._key = f"{representation}.{TEACHER}"

    def prepare(self, queries: Sequence[Query], vectors: Vectors, filters: Filter | None) -> None:
        """Have the teacher encode the queries that need it; its vectors stay with them."""
        fresh = [at for at, query in enumerate(queries) if self._key not in query.vectors]
        if fresh and self._when == "unsure":
            unsure = self._unsure(vectors[fresh], filters)
            none = np.empty(0, np.float32)  # asked and sure: it is not looked at again
            for at, needed in zip(fresh, unsure, strict=True):
                if not needed:
                    queries[at].vectors[self._key] = none
            fresh = [at for at, needed in zip(fresh, unsure, strict=True) if needed]
        if fresh:
            made = self._encode([queries[at] for at in fresh])
            for at, vector in zip(fresh, made, strict=True):
                queries[at].vectors[self._key] = vector

    def _unsure(self, vectors: Vectors, filters: Filter | None) -> list[bool]:
        found = self._store.search(self._name, vectors, TOP, filters)
        assert self._margin is not None
        return [len(one) > 1 and margin_of(one.scores) < self._margin for one in found]

    def again(self, queries: Sequence[Query], found: Sequence[Candidates]) -> list[Candidates]:
        """The candidates in the order of the teacher's scores, where it has encoded the query."""
        return [self._one(query, one) for query, one in zip(queries, found, strict=True)]

    def _one(self, query: Query, found: Candidates) -> Candidates:
        vector = self.vector(query)
        if vector is None or not len(found):
            return _told(found, STUDENT)
        [scores] = self._store.score(self._name, vector[None], found.rows)
        order = np.lexsort((found.rows, -scores))
        # All that matched and was found is still there: whether that is everything stays true.
        again = Candidates(found.rows[order], scores[order], exhaustive=found.exhaustive)
        return _told(again, TEACHER)

    def vector(self, query: Query) -> Vectors | None:
        """The teacher's vector of a query that it has encoded: it decides the scores then."""
        vector = query.vectors.get(self._key)
        return None if vector is None or not len(vector) else vector

    def length(self, query: Query) -> float | None:
        """The length of that vector."""
        vector = self.vector(query)
        return None if vector is None else float(np.linalg.norm(vector))


def margin_of(scores: npt.NDArray[np.float32]) -> float:
    """The gap between the first score and the tenth, or the last where there are fewer."""
    return float(scores[0] - scores[min(TOP, len(scores)) - 1])


def _told(found: Candidates, by: str) -> Candidates:
    return Candidates(
        found.rows, found.scores, exhaustive=found.exhaustive, scored_by=[by] * len(found)
    )
