"""Metadata by column, so that a filter is evaluated once a distinct value instead of once a row.

A column is dictionary-encoded: the distinct values of a key, and for each row the number of its
value. `retrievo.filters.test_value`, the one definition of what a comparison means, runs over the
distinct values; the masks are combined with numpy. So a pushed-down filter cannot differ from the
evaluator, and costs a gather of n small integers a comparison.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.filters import MISSING, And, Compare, Filter, Not, Or, lookup, test_value
from retrievo.types import Rows

Mask = npt.NDArray[np.bool_]
Source = Callable[[], Iterable[tuple[int, str, Mapping[str, Any]]]]
"""Gives (row, document id, metadata) of every row, in ascending order of rows."""

REMEMBERED_FILTERS = 64


@dataclass(slots=True)
class Matching:
    """The rows that match, ascending, of `total`; a store may keep its own form of them."""

    rows: Rows
    total: int
    condition: Any = None


class Columns:
    """The rows of a store and the columns that filters have asked for, as of one state of it."""

    def __init__(self, rows: Rows, source: Source) -> None:
        self.rows = rows
        self._source = source
        self._columns: dict[str, tuple[list[Any], npt.NDArray[np.int32]]] = {}
        self._matching: OrderedDict[Filter, Matching] = OrderedDict()

    def matching(self, filters: Filter) -> Matching:
        """What matches; remembered for the filters that were asked last."""
        found = self._matching.get(filters)
        if found is None:
            found = Matching(self.rows[self._mask(filters)], len(self.rows))
            self._matching[filters] = found
            if len(self._matching) > REMEMBERED_FILTERS:
                self._matching.popitem(last=False)
        return found

    def _mask(self, filters: Filter) -> Mask:
        if isinstance(filters, Compare):
            values, codes = self._column(filters.key)
            passed = np.fromiter(
                (test_value(filters, value) for value in values), bool, len(values)
            )
            return passed[codes] if len(values) else np.zeros(len(self.rows), bool)
        if isinstance(filters, Not):
            return ~self._mask(filters.part)
        if isinstance(filters, (And, Or)):
            combine = np.logical_and if isinstance(filters, And) else np.logical_or
            masks = [self._mask(part) for part in filters.parts]
            return np.asarray(combine.reduce(masks), bool)
        raise TypeError(f"not a filter: {filters!r}")

    def _column(self, key: str) -> tuple[list[Any], npt.NDArray[np.int32]]:
        if key not in self._columns:
            codes = np.empty(len(self.rows), np.int32)
            known: dict[Any, int] = {}
            values: list[Any] = []
            for place, (_, doc_id, metadata) in enumerate(self._source()):
                value = doc_id if key == "doc_id" else lookup(metadata, key)
                # Equal values of different types (1, 1.0, True) are different values to a filter.
                name = (type(value), value) if _hashable(value) else (dict, json.dumps(value))
                code = known.setdefault(name, len(values))
                if code == len(values):
                    values.append(value)
                codes[place] = code
            self._columns[key] = (values, codes)
        return self._columns[key]


def _hashable(value: Any) -> bool:
    return value is MISSING or isinstance(value, (str, int, float, bool, type(None)))
