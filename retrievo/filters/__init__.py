"""The filter language: what filters mean, in one place for every store.

`test_value` defines every comparison, `matches` what `&`, `|` and `~` make of them. Nodes and `F`
are in nodes.py, the text grammar in text.py, the dict forms in dicts.py, a tenant's scope around a
filter in scope.py.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from retrievo.errors import FilterError
from retrievo.filters.dicts import filter_from_dict
from retrievo.filters.nodes import MAX_DEPTH, ORDER, And, Compare, F, Filter, Not, Op, Or
from retrievo.filters.scope import Scoped, check_scope, check_tenant, scoped, unscoped
from retrievo.filters.text import parse_filter
from retrievo.filters.values import Scalar, instant, token

__all__ = [
    "F",
    "Filter",
    "Compare",
    "And",
    "Or",
    "Not",
    "Op",
    "Scalar",
    "MAX_DEPTH",
    "MISSING",
    "DOC_ID",
    "as_filter",
    "matches",
    "keys",
    "lookup",
    "test_value",
    "Scoped",
    "scoped",
    "unscoped",
    "check_scope",
    "check_tenant",
]

DOC_ID: Final = "doc_id"
"""The key that addresses the id of a chunk's document rather than its metadata."""


class _Missing(Enum):
    MISSING = "MISSING"


MISSING: Final = _Missing.MISSING
"""What `lookup` gives, and `test_value` takes, where a key is not there."""


def as_filter(obj: object) -> Filter | None:
    """A filter of a Filter, a text, or a dict; None of None and of an empty dict.

    Raises FilterError for anything else and for what is malformed.
    """
    if obj is None or isinstance(obj, Filter):
        return obj
    if isinstance(obj, str):
        return parse_filter(obj)
    if isinstance(obj, Mapping):
        return filter_from_dict(obj) if obj else None
    if isinstance(obj, F):
        bool(obj)  # raises, with the way out
    raise FilterError(
        f"cannot make a filter of a {type(obj).__name__}; give F(...) compared with a value, "
        "a text such as 'year >= 2020', or a dict such as {'year': {'$gte': 2020}}"
    )


def matches(filter: Filter, metadata: Mapping[str, Any], doc_id: str | None = None) -> bool:
    """Whether a chunk with this metadata, of this document, is what the filter asks for."""
    if isinstance(filter, Compare):
        return test_value(filter, lookup(metadata, filter.key, doc_id))
    if isinstance(filter, And):
        return all(matches(part, metadata, doc_id) for part in filter.parts)
    if isinstance(filter, Or):
        return any(matches(part, metadata, doc_id) for part in filter.parts)
    if isinstance(filter, Not):
        return not matches(filter.part, metadata, doc_id)
    raise FilterError(f"a {type(filter).__name__} is no filter; `as_filter` makes one")


def keys(filter: Filter) -> frozenset[str]:
    """The keys that the filter compares."""
    if isinstance(filter, Compare):
        return frozenset((filter.key,))
    if isinstance(filter, Not):
        return keys(filter.part)
    if isinstance(filter, (And, Or)):
        return frozenset().union(*map(keys, filter.parts))
    raise FilterError(f"a {type(filter).__name__} is no filter; `as_filter` makes one")


def lookup(metadata: Mapping[str, Any], key: str, doc_id: str | None = None) -> Any:
    """The value under the key as it stands, else under its dotted path, else MISSING.

    The key "doc_id" gives `doc_id`, where there is one.
    """
    if key == DOC_ID and doc_id is not None:
        return doc_id
    if key in metadata:
        return metadata[key]
    if "." not in key:
        return MISSING
    value: Any = metadata
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def test_value(compare: Compare, value: Any) -> bool:
    """Whether one metadata value, or MISSING, satisfies one comparison; never raises."""
    if value is MISSING:
        value = None
    if compare.op == "exists":
        return value is not None
    if isinstance(value, (list, tuple)):
        return any(_test_item(compare, item) for item in value)
    if compare.op == "contains":
        return isinstance(value, str) and isinstance(compare.value, str) and compare.value in value
    return _test_item(compare, value)


def _test_item(compare: Compare, item: Any) -> bool:
    order = ORDER.get(compare.op)
    if order is None:
        # In a list, `contains` asks of each element what `==` asks.
        if isinstance(item, str):
            accepted = compare.accepted
            if item in accepted or not compare.dated:
                return item in accepted
            moment = instant(item)
            return moment is not None and moment in accepted
        if item is None or isinstance(item, (int, float)):
            return token(item) in compare.accepted
        return False
    wanted: Any = compare.value
    if isinstance(item, str):
        if compare.dated:
            item, wanted = instant(item), instant(wanted)
            return item is not None and order(item, wanted)
        return isinstance(wanted, str) and order(item, wanted)
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return isinstance(wanted, (int, float)) and order(item, wanted)
    return False
