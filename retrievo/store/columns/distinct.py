"""The distinct values of a metadata key, numbered, and which of them a comparison accepts."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.filters import MISSING, Compare, test_value
from retrievo.store.columns.value_index import ValueIndex

FEW_VALUES = 256
"""Up to that many, asking `test_value` of each costs less than .2 ms and needs nothing kept."""


class DistinctValues:
    """Values in the order in which they came, none twice; number 0 is MISSING.

    Equal values of different types (1, 1.0, True) are different values, as they are to a filter.
    """

    def __init__(self, values: Iterable[Any] = (), *, few: int = FEW_VALUES) -> None:
        self.values: list[Any] = [MISSING, *values]
        self._few = few
        self._numbers: dict[object, int] | None = None
        self._index: ValueIndex | None = None

    def __len__(self) -> int:
        return len(self.values)

    def number(self, value: Any) -> int:
        """The value's number; a new one where it was not known."""
        if value is MISSING:
            return 0
        numbers = self._known()
        found = numbers.setdefault(value_name(value), len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found

    def accepted(self, compare: Compare) -> npt.NDArray[np.bool_]:
        """bool[len(self)]: what `test_value` says of each value."""
        if len(self.values) <= self._few:
            passed = (test_value(compare, value) for value in self.values)
            return np.fromiter(passed, bool, len(self.values))
        if self._index is None:
            self._index = ValueIndex(self.values, self._known)
        return self._index.accepted(compare)

    def _known(self) -> dict[object, int]:
        if self._numbers is None:
            self._numbers = {
                value_name(value): number for number, value in enumerate(self.values[1:], start=1)
            }
        return self._numbers


def value_name(value: Any) -> object:
    """A hashable stand-in, equal for the same value of the same type.

    A text is its own. The name of a bool is its token in `Compare.accepted`; that of a number is
    (int, x) or (float, x).
    """
    if isinstance(value, str):
        return value
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return (kind, value) if value == value else (float, "nan")
    return (type(None), None) if value is None else (type(value), repr(value))
