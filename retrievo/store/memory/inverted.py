"""Sparse rows turned around: for each index the places that hold it, for exact scoring."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrievo.types import Scores, SparseRows

Indices = npt.NDArray[np.uint32]


class Inverted:
    """Postings of sparse rows, in segments of consecutive places.

    Rows that come later get a segment of their own, joined with its neighbours while those are not
    much larger: n rows in batches of any size are sorted log n times at most, not at each batch.
    """

    def __init__(self, rows: SparseRows, before: "Inverted | None" = None) -> None:
        """`before` holds the postings of the first of the rows, which have not changed."""
        self._n = len(rows)
        self._segments: list[_Segment] = [] if before is None else list(before._segments)
        start = 0 if before is None else before._n
        while self._segments and 2 * (self._n - start) >= self._n - self._segments[-1].start:
            start = self._segments.pop().start
        if start < self._n:
            self._segments.append(_segment(rows, start))

    def __len__(self) -> int:
        return self._n

    def scores(self, indices: Indices, weights: Scores) -> Scores:
        """float32[n]: the inner product of the query with every row."""
        return self.found(indices, weights)[0]

    def found(self, indices: Indices, weights: Scores) -> tuple[Scores, npt.NDArray[np.bool_]]:
        """The scores, and which rows share an index with the query, whatever they score."""
        scores, shares = np.zeros(self._n, np.float32), np.zeros(self._n, bool)
        for segment in self._segments:
            starts, ends = segment.runs(indices)
            for start, end, weight in zip(starts.tolist(), ends.tolist(), weights, strict=True):
                # A place occurs once an index, so plain indexing adds each value.
                places = segment.places[start:end]
                scores[places] += weight * segment.values[start:end]
                shares[places] = True
        return scores, shares

    def frequencies(self, indices: Indices) -> npt.NDArray[np.int64]:
        found = np.zeros(len(indices), np.int64)
        for segment in self._segments:
            starts, ends = segment.runs(indices)
            found += ends - starts
        return found


@dataclass(frozen=True, slots=True)
class _Segment:
    """Postings in one set of arrays, sorted by index; a lookup is a binary search."""

    start: int
    indices: Indices
    places: npt.NDArray[np.int64]
    values: Scores

    def runs(self, indices: Indices) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        starts = np.searchsorted(self.indices, indices, side="left")
        return starts, np.searchsorted(self.indices, indices, side="right")


def _segment(rows: SparseRows, start: int) -> _Segment:
    bounds = rows.indptr[start:]
    entries = slice(int(bounds[0]), int(bounds[-1]))
    places = np.repeat(np.arange(start, len(rows), dtype=np.int64), np.diff(bounds))
    order = np.argsort(rows.indices[entries], kind="stable")
    return _Segment(start, rows.indices[entries][order], places[order], rows.values[entries][order])
