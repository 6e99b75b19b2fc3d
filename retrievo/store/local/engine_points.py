"""Representations as the engine takes and gives them: lists of numbers, by row."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import qdrant_edge as edge

from retrievo.contracts import Space
from retrievo.types import MultiRows, Representation, Rows, Scores, SparseRows


def points(rows: Rows, values: Mapping[str, Representation], start: int) -> list[edge.Point]:
    """A point for each of the rows; `start` is the place of the first one in the values.

    A row without vectors of a kind gets a point without them.
    """
    stop = start + len(rows)
    columns = [(name, vectors(part, start, stop)) for name, part in values.items()]
    if any(isinstance(part, MultiRows) for part in values.values()):
        return [
            edge.Point(row, {name: column[i] for name, column in columns if column[i] != []})
            for i, row in enumerate(rows.tolist())
        ]
    return [
        edge.Point(row, {name: column[i] for name, column in columns})
        for i, row in enumerate(rows.tolist())
    ]


def vectors(part: Representation, start: int, stop: int) -> list[Any]:
    """What the engine takes for the rows from `start` to `stop`."""
    if isinstance(part, np.ndarray):
        dense: list[Any] = part[start:stop].tolist()
        return dense
    bounds = part.indptr[start : stop + 1].tolist()
    first, last = bounds[0], bounds[-1]
    if isinstance(part, MultiRows):
        each = part.vectors[first:last].tolist()
        return [each[a - first : b - first] for a, b in itertools.pairwise(bounds)]
    indices = part.indices[first:last].tolist()
    values = part.values[first:last].tolist()
    return [
        edge.SparseVector(indices[a - first : b - first], values[a - first : b - first])
        for a, b in itertools.pairwise(bounds)
    ]


def query(value: Any) -> Any:
    """What the engine takes for one query: a vector, several, or indices and values."""
    return value.tolist() if isinstance(value, np.ndarray) else sparse_vector(*value)


def sparse_vector(indices: np.ndarray, values: Scores) -> edge.SparseVector:
    return edge.SparseVector(indices.tolist(), values.tolist())


def representation(space: Space, found: Sequence[Any]) -> Representation:
    """What the engine gave for some rows, in its order; None where a row has no vectors."""
    if space.kind == "sparse":
        return _sparse_rows(found)
    size = space.size or 0
    if space.kind == "dense":
        return np.array(found, np.float32).reshape(len(found), size)
    counts = [0 if part is None else len(part) for part in found]
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    flat = [vector for part in found if part is not None for vector in part]
    return MultiRows(indptr, np.array(flat, np.float32).reshape(len(flat), size))


def _sparse_rows(found: Sequence[edge.SparseVector]) -> SparseRows:
    sizes = [len(vector.indices) for vector in found]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    indices = np.array([i for vector in found for i in vector.indices], np.uint32)
    values = np.array([v for vector in found for v in vector.values], np.float32)
    return SparseRows(indptr, indices, values)
