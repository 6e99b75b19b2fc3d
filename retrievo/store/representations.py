"""Rows of representations put together and taken apart, whatever their kind."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Space
from retrievo.types import MultiRows, Representation, SparseRows, Vectors

Places = npt.NDArray[np.int64]


def no_rows(space: Space) -> Representation:
    """An empty representation of the kind and size."""
    nothing = np.empty((0, space.size or 0), np.float32)
    if space.kind == "dense":
        return nothing
    if space.kind == "multi":
        return MultiRows(np.zeros(1, np.int64), nothing)
    none = np.empty(0, np.float32)
    return SparseRows(np.zeros(1, np.int64), np.empty(0, np.uint32), none, none)


def pick(values: Representation, places: Places) -> Representation:
    """The rows at the places, in their order."""
    if isinstance(values, np.ndarray):
        chosen: Vectors = values[places]
        return chosen
    indptr, source = _runs(values.indptr, places)
    if isinstance(values, MultiRows):
        return MultiRows(indptr, values.vectors[source])
    return SparseRows(
        indptr,
        values.indices[source],
        values.values[source],
        None if values.lengths is None else values.lengths[places],
        values.fitted_mean,
    )


def _runs(indptr: Places, places: Places) -> tuple[Places, Places]:
    """Bounds of the picked rows, and for each of their entries where it stands now."""
    sizes = np.diff(indptr)[places]
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    # For each picked row the run of its numbers: start of the row minus where it will stand.
    shift = np.repeat(indptr[places] - bounds[:-1], sizes)
    return bounds, np.arange(bounds[-1], dtype=np.int64) + shift


def stack(parts: Sequence[Representation]) -> Representation:
    """All rows of the parts, one after another; the parts are of one kind."""
    if len(parts) == 1:
        return parts[0]
    dense = [part for part in parts if isinstance(part, np.ndarray)]
    if dense:
        return np.concatenate(dense)
    multi = [part for part in parts if isinstance(part, MultiRows)]
    if multi:
        bounds = _bounds([part.indptr for part in multi])
        return MultiRows(bounds, np.concatenate([part.vectors for part in multi]))
    sparse = [part for part in parts if isinstance(part, SparseRows)]
    lengths = [part.lengths for part in sparse if part.lengths is not None]
    return SparseRows(
        _bounds([part.indptr for part in sparse]),
        np.concatenate([part.indices for part in sparse]),
        np.concatenate([part.values for part in sparse]),
        np.concatenate(lengths) if len(lengths) == len(sparse) else None,
        sparse[0].fitted_mean,
    )


def _bounds(indptrs: Sequence[Places]) -> Places:
    starts = np.cumsum([0, *(indptr[-1] for indptr in indptrs)])
    ends = [indptr[1:] + start for indptr, start in zip(indptrs, starts, strict=False)]
    return np.concatenate([[0], *ends]).astype(np.int64)


def document_frequencies(
    rows: SparseRows,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """The indices that occur, ascending, and in how many rows each does."""
    terms, counts = np.unique(rows.indices, return_counts=True)
    return terms, counts.astype(np.int64)
