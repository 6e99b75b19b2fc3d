"""The dict forms of a filter: the `$`-form, which is also written, and Haystack's, which is read.

`{"year": {"$gte": 2020}, "lang": "en"}` and `{"operator": "AND", "conditions": [...]}`.
"""

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, Final, cast

from retrievo.errors import FilterError
from retrievo.filters.nodes import MAX_DEPTH, And, Compare, Filter, Not, Op, Or
from retrievo.filters.values import Scalar, read_date

_READ: Final[Mapping[str, tuple[Op, bool]]] = {
    "$eq": ("==", True),
    "$ne": ("==", False),
    "$gt": (">", True),
    "$gte": (">=", True),
    "$lt": ("<", True),
    "$lte": ("<=", True),
    "$in": ("in", True),
    "$nin": ("in", False),
    "$contains": ("contains", True),
    "$exists": ("exists", True),
}
"""Of each `$`-operator the comparison, and whether it is asked or denied."""
_WRITE: Final = {meaning: name for name, meaning in _READ.items()}
_JOIN: Final = ("$and", "$or", "$not")

_HAYSTACK: Final[Mapping[str, tuple[Op, bool]]] = {
    "==": ("==", True),
    "!=": ("==", False),
    ">": (">", True),
    ">=": (">=", True),
    "<": ("<", True),
    "<=": ("<=", True),
    "in": ("in", True),
    "not in": ("in", False),
    "contains": ("contains", True),
    "not contains": ("contains", False),
    "exists": ("exists", True),
}
_WRITE_HAYSTACK: Final = {meaning: name for name, meaning in _HAYSTACK.items()}
_HAYSTACK_JOIN: Final = ("AND", "OR", "NOT")


def filter_from_dict(given: Mapping[Any, Any]) -> Filter:
    """The filter that a dict of either form says. Raises FilterError."""
    return _read(given, 1)


def filter_to_dict(filter: Filter) -> dict[str, Any]:
    """The `$`-form: one key in each dict, and in it one operator.

    A key that starts with `$` is written in Haystack's form.
    """
    if isinstance(filter, Compare):
        return _write(filter, True)
    if isinstance(filter, Not):
        part = filter.part
        if isinstance(part, Compare) and ((part.op, False) in _WRITE or part.op == "exists"):
            return _write(part, False)
        return {"$not": filter_to_dict(part)}
    if isinstance(filter, (And, Or)):
        name = "$and" if isinstance(filter, And) else "$or"
        return {name: [filter_to_dict(part) for part in filter.parts]}
    raise FilterError(f"a {type(filter).__name__} is no filter; `as_filter` makes one")


def _write(compare: Compare, asked: bool) -> dict[str, Any]:
    meaning = (compare.op, asked)
    value: Any
    if compare.op == "exists":
        meaning, value = ("exists", True), asked
    elif meaning not in _WRITE:
        return {"$not": _write(compare, True)}
    elif isinstance(compare.value, tuple):
        value = [_write_value(item) for item in compare.value]
    else:
        value = _write_value(compare.value)
    if compare.key.startswith("$"):
        # At the place of a metadata key it would be taken for an operator.
        return {"field": compare.key, "operator": _WRITE_HAYSTACK[meaning], "value": value}
    return {compare.key: {_WRITE[meaning]: value}}


def _write_value(value: Scalar) -> Any:
    return {"$date": value.isoformat()} if isinstance(value, date) else value


def _read(given: object, level: int) -> Filter:
    if not isinstance(given, Mapping) or not given:
        raise FilterError(
            f"dict filter: found {given!r} where a condition is wanted, "
            "such as {'year': {'$gte': 2020}}"
        )
    if level > MAX_DEPTH:
        raise FilterError(f"dict filter: nests deeper than {MAX_DEPTH}; join parts side by side")
    if isinstance(given.get("operator"), str) and ("field" in given or "conditions" in given):
        return _read_haystack(given, level)
    return _all([_read_entry(key, value, level) for key, value in given.items()])


def _read_entry(key: object, value: object, level: int) -> Filter:
    if not isinstance(key, str):
        raise FilterError(f"dict filter: the key {key!r} is not a str")
    if key == "$not":
        return Not(_read(value, level + 1))
    if key in _JOIN:
        parts = _read_list(value, key, level)
        return _all(parts) if key == "$and" else _any(parts)
    if key.startswith("$"):
        raise _unknown(key, (*_JOIN, *_READ), "at the place of a metadata key")
    return _read_field(key, value)


def _read_list(value: object, name: str, level: int) -> list[Filter]:
    if not isinstance(value, (list, tuple)) or not value:
        raise FilterError(f"dict filter: {name} takes a list of conditions, found {value!r}")
    return [_read(item, level + 1) for item in value]


def _read_field(key: str, value: object) -> Filter:
    if not isinstance(value, Mapping) or set(value) == {"$date"}:
        return Compare(key, "==", _read_value(value, key))
    if not value:
        raise FilterError(
            f"dict filter: {key!r} has no operator; one of {', '.join(_READ)} is wanted"
        )
    parts = []
    for name, wanted in value.items():
        if name not in _READ:
            hint = f"; for nested metadata write the key {f'{key}.{name}'!r}"
            nested = isinstance(name, str) and not name.startswith("$")
            raise _unknown(name, _READ, f"of {key!r}", hint if nested else "")
        parts.append(_compare(key, *_READ[name], wanted, name))
    return _all(parts)


def _compare(key: str, op: Op, asked: bool, value: object, name: str) -> Filter:
    if op == "exists":
        if not isinstance(value, bool):
            raise FilterError(
                f"dict filter: {name} of {key!r} takes true or false, found {value!r}"
            )
        asked, value = value, True
    elif op == "in":
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise FilterError(f"dict filter: {name} of {key!r} takes a list, found {value!r}")
        value = tuple(_read_value(item, key) for item in value)
    else:
        value = _read_value(value, key)
    compare = Compare(key, op, cast(Scalar, value))
    return compare if asked else Not(compare)


def _read_value(value: object, key: str) -> Scalar:
    if isinstance(value, Mapping) and set(value) == {"$date"}:
        return read_date(value["$date"], f"dict filter: {key!r}")
    if isinstance(value, (list, tuple)):
        raise FilterError(
            f"dict filter: {key!r} is compared with a list; write {{{key!r}: {{'$in': [...]}}}}"
        )
    return cast(Scalar, value)  # Compare checks it


def _read_haystack(given: Mapping[Any, Any], level: int) -> Filter:
    name = given["operator"]
    if "conditions" in given:
        if name.upper() not in _HAYSTACK_JOIN:
            raise _unknown(name, _HAYSTACK_JOIN, "beside 'conditions'")
        parts = _read_list(given["conditions"], name, level)
        if name.upper() == "OR":
            return _any(parts)
        return _all(parts) if name.upper() == "AND" else Not(_all(parts))
    key = given["field"]
    if not isinstance(key, str) or "value" not in given:
        raise FilterError(
            f"dict filter: {dict(given)!r} is no comparison; "
            "{'field': 'meta.year', 'operator': '>=', 'value': 2020} is wanted"
        )
    if name not in _HAYSTACK:
        raise _unknown(name, _HAYSTACK, f"of the field {key!r}")
    return _compare(key.removeprefix("meta."), *_HAYSTACK[name], given["value"], name)


def _all(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _any(parts: list[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _unknown(name: object, known: Any, where: str, hint: str = "") -> FilterError:
    swapped = [other for other in known if sorted(other) == sorted(str(name))]
    near = swapped or get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return FilterError(
        f"dict filter: unknown operator {name!r} {where}; {guess}known are {', '.join(known)}{hint}"
    )
