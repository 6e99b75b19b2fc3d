"""Sparse rows put together and taken apart."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Space
from retrievo.types import Representation, SparseRows


def no_rows(space: Space) -> Representation:
    """An empty representation of the kind and size."""
    if space.kind == "dense":
        return np.empty((0, space.size or 0), np.float32)
    nothing = np.empty(0, np.float32)
    return SparseRows(np.zeros(1, np.int64), np.empty(0, np.uint32), nothing, nothing)


def pick(values: Representation, places: npt.NDArray[np.int64]) -> Representation:
    """The rows at the places, in their order."""
    if not isinstance(values, SparseRows):
        return values[places]
    sizes = np.diff(values.indptr)[places]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    # For each picked row the run of its numbers: start of the row minus where it will stand.
    shift = np.repeat(values.indptr[places] - indptr[:-1], sizes)
    source = np.arange(indptr[-1], dtype=np.int64) + shift
    return SparseRows(
        indptr,
        values.indices[source],
        values.values[source],
        None if values.lengths is None else values.lengths[places],
        values.fitted_mean,
    )


def stack(parts: Sequence[Representation]) -> Representation:
    """All rows of the parts, one after another; the parts are of one kind."""
    if len(parts) == 1:
        return parts[0]
    sparse = [part for part in parts if isinstance(part, SparseRows)]
    if not sparse:
        return np.concatenate([part for part in parts if not isinstance(part, SparseRows)])
    starts = np.cumsum([0, *(part.indptr[-1] for part in sparse)])
    ends = [part.indptr[1:] + start for part, start in zip(sparse, starts, strict=False)]
    lengths = [part.lengths for part in sparse if part.lengths is not None]
    return SparseRows(
        np.concatenate([[0], *ends]).astype(np.int64),
        np.concatenate([part.indices for part in sparse]),
        np.concatenate([part.values for part in sparse]),
        np.concatenate(lengths) if len(lengths) == len(sparse) else None,
        sparse[0].fitted_mean,
    )


def document_frequencies(
    rows: SparseRows,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """The indices that occur, ascending, and in how many rows each does."""
    terms, counts = np.unique(rows.indices, return_counts=True)
    return terms, counts.astype(np.int64)
