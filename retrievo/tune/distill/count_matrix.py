"""Products of a sparse matrix of documents by tokens with dense ones, without scipy."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.types import Vectors

Places = npt.NDArray[np.int64]

_DENSE_FROM = 1 / 32
_DENSE_MOST = 64_000_000  # numbers: 256 MB
_AT_ONCE = 200_000  # numbers that are gathered at once: they stay in the processor's memory


class _Group(NamedTuple):
    """Lines of the matrix that have equally many entries."""

    lines: Places
    at: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]


class CountMatrix:
    """A float32[n, columns] of few entries, given by rows: where each begins, columns, values.

    Columns that one row in 32 has are kept dense, where an entry costs a thirtieth.
    """

    def __init__(
        self,
        starts: Places,
        columns: npt.NDArray[np.integer],
        values: npt.NDArray[np.float32],
        width: int,
    ) -> None:
        self.shape = (len(starts) - 1, width)
        height = self.shape[0]
        row = np.repeat(np.arange(height, dtype=np.int32), np.diff(starts))
        often = np.bincount(columns, minlength=width)
        dense = np.flatnonzero(often > max(height * _DENSE_FROM, 32))
        most = _DENSE_MOST // max(height, 1)
        self._dense_columns = np.sort(dense[np.argsort(-often[dense], kind="stable")[:most]])
        place = np.full(width, -1, np.int64)
        place[self._dense_columns] = np.arange(len(self._dense_columns))
        inside = place[columns] >= 0
        self._dense = np.zeros((height, len(self._dense_columns)), np.float32)
        self._dense[row[inside], place[columns[inside]]] = values[inside]
        row, column, value = row[~inside], columns[~inside].astype(np.int32), values[~inside]
        self._rows = _grouped(row, column, value, height)
        by_column = np.argsort(column, kind="stable")
        self._columns = _grouped(column[by_column], row[by_column], value[by_column], width)

    def times(self, other: Vectors) -> Vectors:
        """float32[n, dim]: the product with float32[columns, dim]."""
        made = self._dense @ other[self._dense_columns]
        for lines, product in _products(self._rows, other):
            made[lines] += product
        return made

    def transposed_times(self, other: Vectors) -> Vectors:
        """float32[columns, dim]: the product of the transpose with float32[n, dim]."""
        made = np.zeros((self.shape[1], other.shape[1]), np.float32)
        made[self._dense_columns] = self._dense.T @ other
        for lines, product in _products(self._columns, other):
            made[lines] = product
        return made


def _grouped(
    line: npt.NDArray[np.int32],
    at: npt.NDArray[np.int32],
    values: npt.NDArray[np.float32],
    n: int,
) -> list[_Group]:
    """The entries, ordered by line, as one rectangle for each number of entries."""
    sizes = np.bincount(line, minlength=n)
    begins = np.cumsum(sizes) - sizes
    order = np.argsort(sizes, kind="stable")
    found, firsts = np.unique(sizes[order], return_index=True)
    groups = []
    for size, lines in zip(found.tolist(), np.split(order, firsts[1:]), strict=True):
        if size:
            places = begins[lines][:, None] + np.arange(size)
            groups.append(_Group(lines, at[places], values[places]))
    return groups


def _products(groups: list[_Group], other: Vectors) -> list[tuple[Places, Vectors]]:
    made = []
    for lines, at, values in groups:
        step = max(1, _AT_ONCE // (at.shape[1] * other.shape[1]))
        product = np.empty((len(lines), other.shape[1]), np.float32)
        for start in range(0, len(lines), step):
            part = slice(start, start + step)
            if at.shape[1] == 1:
                product[part] = other[at[part, 0]] * values[part]
            else:
                product[part] = np.matmul(values[part, None, :], other.take(at[part], axis=0))[:, 0]
        made.append((lines, product))
    return made
