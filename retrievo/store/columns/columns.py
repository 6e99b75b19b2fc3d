"""Metadata by column, so that a filter is evaluated once a distinct value instead of once a row.

`retrievo.filters.test_value`, the one definition of what a comparison means, runs over the distinct
values of a key; the masks are combined with numpy. So a pushed-down filter cannot differ from the
evaluator, and costs a pass over n small integers a comparison. After a write the columns take in
the changed rows only.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.filters import And, Compare, Filter, Not, Or
from retrievo.store.columns.column import Column, encoded, value_of
from retrievo.types import Rows

Mask = npt.NDArray[np.bool_]
Source = Callable[[], Iterable[tuple[int, str, Mapping[str, Any]]]]
"""Gives (row, document id, metadata) of every row, in ascending order of rows."""
Changes = Mapping[int, tuple[str, Mapping[str, Any]] | None]
"""By row what is new of it: document id and metadata, or None where the row is gone."""

REMEMBERED_FILTERS = 64
REMEMBERED_KEYS = 64


@dataclass(slots=True)
class Matching:
    """The rows that match, ascending, of `total`; a store may keep its own form of them."""

    rows: Rows
    total: int
    condition: Any = None
    missing: Sequence[str] | None = None
    """Keys of the filter that no row has, once somebody asked for them."""


class Columns:
    """The rows of a store at one moment, and the columns that filters have asked for.

    A column is made of `source` when it is first asked for. May be asked from several threads.
    """

    def __init__(self, rows: Rows, source: Source) -> None:
        self.rows = rows
        self._make: Callable[[str], Column] = partial(_made_of, source)
        self._turn = threading.RLock()
        self._columns: OrderedDict[str, Column] = OrderedDict()
        self._matching: OrderedDict[Filter, Matching] = OrderedDict()

    @classmethod
    def made_by(cls, rows: Rows, make: Callable[[str], Column]) -> "Columns":
        """Columns that `make` gives, each over all the rows."""
        new = cls(rows, tuple)
        new._make = make
        return new

    def held(self) -> dict[str, Column]:
        """The columns that are here, by key."""
        with self._turn:
            return dict(self._columns)

    def hold(self, key: str, column: Column) -> None:
        """Have the column, which is one of these rows, from now on."""
        with self._turn:
            self._columns[key] = column
            if len(self._columns) > REMEMBERED_KEYS:
                self._columns.popitem(last=False)

    def after(self, changes: Changes, source: Source | None = None) -> "Columns":
        """The columns after the changes, at a cost of the changed rows and of a copy of the codes.

        Columns that are not here yet are made of `source`, where it is given.
        """
        with self._turn:
            rows, stays, order = _arranged(self.rows, changes)
            new = Columns.made_by(rows, self._make if source is None else partial(_made_of, source))
            new._turn = self._turn  # both number the same distinct values
            now = [entry for entry in changes.values() if entry is not None]
            for key, column in self._columns.items():
                values = [value_of(key, doc_id, metadata) for doc_id, metadata in now]
                new._columns[key] = column.after(stays, values, order)
            return new

    # asking

    def matching(self, filters: Filter) -> Matching:
        """What matches; remembered for the filters that were asked last."""
        with self._turn:
            found = self._matching.get(filters)
            if found is None:
                found = Matching(self.rows[self._mask(filters)], len(self.rows))
                self._matching[filters] = found
                if len(self._matching) > REMEMBERED_FILTERS:
                    self._matching.popitem(last=False)
            else:
                self._matching.move_to_end(filters)
            return found

    def missing_keys(self, filters: Filter, among: Rows | None = None) -> list[str]:
        """The keys whose values the filter compares and that no row, of those, has.

        A key of which only the existence is asked may be missing with good reason. No rows lack
        no key.
        """
        with self._turn:
            places = None if among is None else np.searchsorted(self.rows, among)
            if not len(self.rows if among is None else among):
                return []
            return [key for key in compared_keys(filters) if self._column(key).is_missing(places)]

    def _mask(self, filters: Filter) -> Mask:
        if isinstance(filters, Compare):
            return self._column(filters.key).mask(filters)
        if isinstance(filters, Not):
            return ~self._mask(filters.part)
        if isinstance(filters, (And, Or)):
            combine = np.logical_and if isinstance(filters, And) else np.logical_or
            masks = [self._mask(part) for part in filters.parts]
            return np.asarray(combine.reduce(masks), bool)
        raise TypeError(f"not a filter: {filters!r}")

    def _column(self, key: str) -> Column:
        found = self._columns.get(key)
        if found is None:
            found = self._make(key)
            self.hold(key, found)
        self._columns.move_to_end(key)
        return found


def _made_of(source: Source, key: str) -> Column:
    return encoded(value_of(key, doc_id, metadata) for _, doc_id, metadata in source())


def _arranged(
    rows: Rows, changes: Changes
) -> tuple[Rows, npt.NDArray[np.bool_], npt.NDArray[np.int64] | None]:
    """The rows after the changes, which of the old ones keep their values, and a sorting order.

    The order sorts the rows that stay followed by the changed ones; None where they ascend.
    """
    changed = np.fromiter(changes, np.int64, len(changes))
    there = np.fromiter((entry is not None for entry in changes.values()), bool, len(changes))
    stays = np.ones(len(rows), bool)
    places = np.searchsorted(rows, changed)
    here = places < len(rows)
    here[here] = rows[places[here]] == changed[here]
    stays[places[here]] = False
    after = np.concatenate([rows[stays], changed[there]])
    if (after[1:] > after[:-1]).all():
        return after, stays, None
    order = np.argsort(after, kind="stable")
    return after[order], stays, order


def compared_keys(filters: Filter) -> list[str]:
    """The keys whose values the filter compares, without those only asked to exist; each once."""
    if isinstance(filters, Compare):
        return [] if filters.op == "exists" else [filters.key]
    parts = (filters.part,) if isinstance(filters, Not) else getattr(filters, "parts", ())
    return list(dict.fromkeys(key for part in parts for key in compared_keys(part)))
