"""Filters as Qdrant's conditions over the shadow of the metadata, exact or a bound from one side.

What Qdrant cannot say (a part of a text, the order of texts, numbers and dates at the far ends) is
bounded: from above by a condition that all matches fulfil. matching.py then asks for the metadata
of what that leaves and lets `retrievo.filters.matches` decide, so the meaning is one everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from qdrant_client import models

from retrievo.errors import FilterError
from retrievo.filters import And, Compare, Filter, Not, Or
from retrievo.filters.values import instant
from retrievo.store.qdrant.points import LIVE, STATE, TENANT
from retrievo.store.qdrant.shadow import (
    FARTHEST,
    FIRST,
    LAST,
    LISTED,
    PRESENT,
    TEXT,
    date_token,
    field_name,
    neighbours,
    stamp,
    tokens_of,
)

DEEPEST = 30
"""A filter nested deeper is decided here: a server reads JSON of at most 128 levels."""

_BOUND = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_NEIGHBOUR = {">": "high", ">=": "low", "<": "low", "<=": "high"}

Condition: TypeAlias = models.FieldCondition | models.Filter | models.HasIdCondition


@dataclass(frozen=True, slots=True)
class Said:
    """A condition, or True or False where all or none match; a bound unless `exact`."""

    condition: Condition | bool
    exact: bool = True


def conditions_of(filters: Filter, *, above: bool = True) -> Said:
    """What Qdrant can say of the filter: not less than it means, or with `above=False` not more."""
    if getattr(filters, "depth", 0) > DEEPEST:
        return Said(above, exact=False)
    if isinstance(filters, Compare):
        return _compare(filters, above)
    if isinstance(filters, Not):
        inner = conditions_of(filters.part, above=not above)
        return Said(_negated(inner.condition), inner.exact)
    if isinstance(filters, (And, Or)):
        parts = [conditions_of(part, above=above) for part in filters.parts]
        join = _all if isinstance(filters, And) else _any
        return Said(join(part.condition for part in parts), all(part.exact for part in parts))
    raise FilterError(f"a {type(filters).__name__} is no filter; `as_filter` makes one")


def visible(tenant: str | None, *more: Condition) -> models.Filter:
    """Chunks of the index, of one tenant where there is one, that fulfil all of `more`."""
    must: list[Any] = [match(STATE, LIVE), *more]
    if tenant is not None:
        must.insert(0, match(TENANT, tenant))
    return models.Filter(must=must)


def match(key: str, *values: Any) -> models.FieldCondition:
    """Whether the payload has one of the values under the key."""
    if len(values) == 1:
        return models.FieldCondition(key=key, match=models.MatchValue(value=values[0]))
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))


def having(rows: Iterable[int]) -> models.HasIdCondition:
    return models.HasIdCondition(has_id=list(rows))


def _all(parts: Iterable[Condition | bool]) -> Condition | bool:
    left = []
    for part in parts:
        if part is False:
            return False
        if part is not True:
            left.append(part)
    return models.Filter(must=left) if len(left) > 1 else left[0] if left else True


def _any(parts: Iterable[Condition | bool]) -> Condition | bool:
    left = []
    for part in parts:
        if part is True:
            return True
        if part is not False:
            left.append(part)
    return models.Filter(should=left) if len(left) > 1 else left[0] if left else False


def _negated(part: Condition | bool) -> Condition | bool:
    return not part if isinstance(part, bool) else models.Filter(must_not=[part])


def _compare(compare: Compare, above: bool) -> Said:
    name = field_name(compare.key)
    if compare.op == "exists":
        return Said(match(f"match.{name}", PRESENT))
    if compare.op in ("==", "in"):
        return Said(_equal(name, compare))
    if compare.op == "contains":
        element = _all((match(f"match.{name}", LISTED), _equal(name, compare)))
        if not isinstance(compare.value, str):
            return Said(element)
        text = _all((match(f"match.{name}", TEXT), _negated(match(f"match.{name}", LISTED))))
        return Said(_any((element, text)) if above else element, exact=False)
    if isinstance(compare.value, str):
        return Said(match(f"match.{name}", TEXT) if above else False, exact=False)
    return _range(name, compare, above)


def _equal(name: str, compare: Compare) -> Condition | bool:
    values = compare.value if isinstance(compare.value, tuple) else (compare.value,)
    tokens: dict[str, None] = {}
    for value in values:
        # A text is no date to `==`, whatever it says; a stored text is one to a date.
        found = [_dated(value)] if isinstance(value, date) else tokens_of(value)[:1]
        tokens.update(dict.fromkeys(found))
    if not tokens:
        return False
    equal = match(f"match.{name}", *tokens)
    if "null" not in tokens:
        return equal
    # A key that is missing is None to a filter.
    return _any((equal, _negated(match(f"match.{name}", PRESENT))))


def _dated(value: date) -> str:
    moment = instant(value)
    assert moment is not None
    return date_token(moment)


def _range(name: str, compare: Compare, above: bool) -> Said:
    wanted: Any = compare.value
    bound = _BOUND[compare.op]
    if compare.dated:
        moment = instant(wanted)
        assert moment is not None
        if not FIRST < moment < LAST:
            return Said(match(f"match.{name}", TEXT) if above else False, exact=False)
        limit = models.DatetimeRange.model_validate({bound: stamp(moment)})
        return Said(models.FieldCondition(key=f"moment.{name}", range=limit))
    low, high = neighbours(wanted)
    if not -FARTHEST < low <= high < FARTHEST:
        return Said(match(f"match.{name}", PRESENT) if above else False, exact=False)
    if low == high:
        return Said(
            _any(
                (
                    _numbers(f"number.{name}", bound, low),
                    _numbers(f"{_NEIGHBOUR[compare.op]}.{name}", bound, low),
                )
            )
        )
    # Between two float64: all that is one lies on a side; what lies in the same gap is undecided.
    over = compare.op[0] == ">"
    end, far = ("gte", high) if over else ("lte", low)
    plain = _numbers(f"number.{name}", end, far)
    between = _numbers(f"{'high' if over else 'low'}.{name}", end, far)
    return Said(_any((plain, between)) if above else plain, exact=False)


def _numbers(key: str, bound: str, number: float) -> models.FieldCondition:
    return models.FieldCondition(key=key, range=models.Range.model_validate({bound: number}))
