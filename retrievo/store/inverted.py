"""Sparse rows turned around: for each index the places that hold it, for exact scoring."""

import numpy as np
import numpy.typing as npt

from retrievo.types import Scores, SparseRows


class Inverted:
    """Postings in one pair of arrays, sorted by index; a lookup is a binary search."""

    def __init__(self, rows: SparseRows) -> None:
        self._n = len(rows)
        places = np.repeat(np.arange(self._n, dtype=np.int64), np.diff(rows.indptr))
        order = np.argsort(rows.indices, kind="stable")
        self._indices = rows.indices[order]
        self._places = places[order]
        self._values = rows.values[order]

    def scores(self, indices: npt.NDArray[np.uint32], weights: Scores) -> Scores:
        """float32[n]: the inner product of the query with every row."""
        scores = np.zeros(self._n, np.float32)
        starts = np.searchsorted(self._indices, indices, side="left")
        ends = np.searchsorted(self._indices, indices, side="right")
        for start, end, weight in zip(starts.tolist(), ends.tolist(), weights, strict=True):
            # A place occurs once an index, so plain indexing adds each value.
            scores[self._places[start:end]] += weight * self._values[start:end]
        return scores

    def frequencies(self, indices: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        starts = np.searchsorted(self._indices, indices, side="left")
        ends = np.searchsorted(self._indices, indices, side="right")
        return (ends - starts).astype(np.int64)
