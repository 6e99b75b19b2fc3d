"""Which of very many values a comparison accepts, without asking `test_value` of each.

Equality is a look-up of the token that `Compare.accepted` holds; order is a binary search in
sorted Python values, whose comparisons are exact for whole numbers of any length beside floats,
for texts by code point, and for moments of any zone: the same comparisons that `test_value` makes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.filters import MISSING, Compare
from retrievo.filters.nodes import ORDER
from retrievo.filters.values import instant

Numbers = npt.NDArray[np.int64]


class ValueIndex:
    """Over `values`, which may grow; `names` gives their numbers by `distinct.value_name`.

    A list is accepted where one of its items is; items stand beside the values in every order.
    """

    def __init__(self, values: Sequence[Any], names: Callable[[], dict[object, int]]) -> None:
        self._values = values
        self._names = names
        self._items: dict[object, list[int]] = {}
        self._listed = 0
        self._lists: list[int] = []
        self._sorted = {
            "number": _Sorted(_number),
            "text": _Sorted(_text),
            "moment": _Sorted(_moment),
        }

    def accepted(self, compare: Compare) -> npt.NDArray[np.bool_]:
        """bool[len(values)]."""
        passed = np.zeros(len(self._values), bool)
        if compare.op == "exists":
            passed[1:] = True
            passed[self._names().get((type(None), None), 0)] = False
        elif compare.op in ORDER:
            passed[self._between(compare)] = True
        else:
            self._list_items()
            if compare.op == "contains":
                self._mark_contained(compare, passed)
            else:
                self._mark_equal(compare, passed)
        return passed

    def _between(self, compare: Compare) -> Numbers:
        wanted: Any = compare.value
        kind = "text" if isinstance(wanted, str) else "number"
        if compare.dated:
            kind, wanted = "moment", instant(wanted)
        keys, numbers = self._sorted[kind].of(self._values)
        if compare.op in ("<", "<="):
            cut = bisect_left if compare.op == "<" else bisect_right
            return numbers[: cut(keys, wanted)]
        cut = bisect_right if compare.op == ">" else bisect_left
        return numbers[cut(keys, wanted) :]

    def _mark_equal(self, compare: Compare, passed: npt.NDArray[np.bool_]) -> None:
        for token in compare.accepted:
            if token is None:
                passed[[0, self._names().get((type(None), None), 0)]] = True
            for name in (token, (int, token), (float, token)):
                number = self._names().get(name)
                if number is not None:
                    passed[number] = True
            passed[self._items.get(token, [])] = True
            if isinstance(token, datetime):
                passed[self._at(token)] = True

    def _mark_contained(self, compare: Compare, passed: npt.NDArray[np.bool_]) -> None:
        """A list contains what equals an item of it; a text what is a part of it."""
        for token in compare.accepted:
            passed[self._items.get(token, [])] = True
            if isinstance(token, datetime):
                here = self._at(token)
                passed[here[np.isin(here, self._lists)]] = True
        part = compare.value
        if isinstance(part, str):
            values = enumerate(self._values)
            passed[[i for i, value in values if isinstance(value, str) and part in value]] = True

    def _at(self, moment: datetime) -> Numbers:
        keys, numbers = self._sorted["moment"].of(self._values)
        return numbers[bisect_left(keys, moment) : bisect_right(keys, moment)]

    def _list_items(self) -> None:
        for number in range(self._listed, len(self._values)):
            value = self._values[number]
            if isinstance(value, (list, tuple)):
                self._lists.append(number)
                for item in value:
                    if item is None or isinstance(item, (str, int, float)):
                        token = (bool, item) if isinstance(item, bool) else item
                        self._items.setdefault(token, []).append(number)
        self._listed = len(self._values)


class _Sorted:
    """The values and items of one kind in ascending order, sorted when first asked for."""

    def __init__(self, key: Callable[[Any], Any]) -> None:
        self._key = key
        self._known = 0
        self._keys: list[Any] = []
        self._numbers: Numbers = np.empty(0, np.int64)

    def of(self, values: Sequence[Any]) -> tuple[list[Any], Numbers]:
        """The keys, ascending, and the number of the value that each belongs to."""
        if self._known < len(values):
            added = [
                (key, number)
                for number in range(self._known, len(values))
                for item in _scalars(values[number])
                if (key := self._key(item)) is not None
            ]
            keys = [*self._keys, *(key for key, _ in added)]
            numbers = np.append(self._numbers, np.array([n for _, n in added], np.int64))
            # The old part is a sorted run already: sorting again takes a walk along it.
            order = sorted(range(len(keys)), key=keys.__getitem__)
            self._keys = [keys[place] for place in order]
            self._numbers = numbers[order].astype(np.int64)
            self._known = len(values)
        return self._keys, self._numbers


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        yield from value
    elif value is not MISSING:
        yield value


def _number(item: Any) -> int | float | None:
    if isinstance(item, (int, float)) and not isinstance(item, bool) and item == item:
        return item
    return None


def _text(item: Any) -> str | None:
    return item if isinstance(item, str) else None


def _moment(item: Any) -> datetime | None:
    return instant(item) if isinstance(item, str) else None
