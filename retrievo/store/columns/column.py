"""One key of the metadata by row: a dictionary-encoded column."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.filters import DOC_ID, Compare, lookup
from retrievo.store.columns.distinct import DistinctValues

Codes = npt.NDArray[np.unsignedinteger[Any]]

_FEW_CODES = 4
"""Comparing all codes with one number costs a tenth of looking each code up in a table."""


class Column:
    """The distinct values, and for each row the number of its value, as small as it fits."""

    def __init__(self, distinct: DistinctValues, codes: npt.NDArray[Any]) -> None:
        self.distinct = distinct
        self.codes: Codes = _small(codes, len(distinct))

    def mask(self, compare: Compare) -> npt.NDArray[np.bool_]:
        """bool[rows]: where the comparison is true."""
        passed = self.distinct.accepted(compare)
        numbers = np.flatnonzero(passed)
        if len(numbers) > _FEW_CODES:
            return passed[self.codes]
        mask = np.zeros(len(self.codes), bool)
        for number in numbers.tolist():
            mask |= self.codes == number
        return mask

    def is_missing(self, places: npt.NDArray[np.int64] | None = None) -> bool:
        """Whether no row, of those at the places, has the key."""
        return not (self.codes if places is None else self.codes[places]).any()

    def after(
        self, stays: npt.NDArray[np.bool_], values: Iterable[Any], order: npt.NDArray[Any] | None
    ) -> "Column":
        """The column of the rows that stay, and behind them of the values, all put in `order`.

        Both columns number their values alike, unless most numbers have come out of use.
        """
        numbers = np.array([self.distinct.number(value) for value in values], np.int64)
        kept = self.codes if stays.all() else self.codes[stays]
        codes = np.concatenate([kept, _small(numbers, len(self.distinct))])
        if order is not None:
            codes = codes[order]
        if len(self.distinct) <= 2 * len(codes) + 1000:
            return Column(self.distinct, codes)
        used, codes = np.unique(np.append(codes, 0), return_inverse=True)
        known = self.distinct.values
        return Column(DistinctValues(known[number] for number in used[1:].tolist()), codes[:-1])


def value_of(key: str, doc_id: str, metadata: Mapping[str, Any]) -> Any:
    """What a filter on the key sees of a chunk; the id of its document under "doc_id"."""
    return doc_id if key == DOC_ID else lookup(metadata, key)


def encoded(values: Iterable[Any]) -> Column:
    """The column of the values, one a row."""
    distinct = DistinctValues()
    return Column(distinct, np.fromiter(map(distinct.number, values), np.int64))


def _small(codes: npt.NDArray[Any], n: int) -> Codes:
    return codes.astype(np.min_scalar_type(max(n - 1, 0)), copy=False)
