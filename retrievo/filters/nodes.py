"""The nodes of a filter, and `F`, by which Python builds them."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal, NoReturn

from retrievo.errors import FilterError
from retrievo.filters.values import Scalar, check_key, scalar, scalars, token

Op = Literal["==", "<", "<=", ">", ">=", "in", "contains", "exists"]

MAX_DEPTH: Final = 100
"""How deep a filter may nest, so that no walk over one meets Python's recursion limit."""

ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_METHODS: Final = {"in": "is_in", "contains": "contains", "exists": "exists"}
_BOOL_TRAP: Final = (
    "a filter is neither true nor false: join filters with & | ~ in place of and, or, not; "
    "put parentheses around each comparison; write a < x < b as two comparisons"
)


class Filter:
    """An expression over metadata: a Compare, And, Or or Not. `str()` gives the text grammar."""

    __slots__ = ()

    def __and__(self, other: "Filter") -> "Filter":
        return And((self, other))

    def __or__(self, other: "Filter") -> "Filter":
        return Or((self, other))

    def __invert__(self) -> "Filter":
        return Not(self)

    def __bool__(self) -> bool:
        raise FilterError(_BOOL_TRAP)

    def as_dict(self) -> dict[str, Any]:
        """The `$`-form, fit for JSON; `as_filter` reads it back."""
        from retrievo.filters.dicts import filter_to_dict  # it imports this module

        return filter_to_dict(self)

    def __str__(self) -> str:
        from retrievo.filters.text import format_filter  # it imports this module

        return format_filter(self)


@dataclass(frozen=True, slots=True, repr=False)
class Compare(Filter):
    """One comparison; `!=` is Not of `==`. Two are equal when they mean the same.

    `value` is a tuple for "in" and True for "exists". Raises FilterError for an empty key, an
    unknown operator, and a value that the operator cannot take.
    """

    key: str
    op: Op
    # Compared through `accepted`: 1 equals True for Python, and never here.
    value: Scalar | tuple[Scalar, ...] = field(compare=False)
    accepted: frozenset[object] = field(init=False)
    """The value, or the values of "in", in a form in which equal members are equal values."""
    dated: bool = field(init=False, compare=False)
    """Whether stored strings have to be read as dates."""

    def __post_init__(self) -> None:
        check_key(self.key)
        values: tuple[Scalar, ...]
        if self.op == "in":
            values = scalars(self.value, self.key)
            object.__setattr__(self, "value", values)
        else:
            value = scalar(self.value, self.key)
            if self.op in ORDER and (value is None or isinstance(value, bool)):
                raise FilterError(
                    f"filter on {self.key!r}: {self.op} has no meaning for {value}; "
                    "give a number, a text or a date, or use =="
                )
            if self.op == "exists" and value is not True:
                raise FilterError(
                    f"filter on {self.key!r}: exists takes no {value!r}; negate it with ~"
                )
            if self.op not in ORDER and self.op not in ("==", *_METHODS):
                raise FilterError(
                    f"filter on {self.key!r}: unknown operator {self.op!r}; known are "
                    f"== {' '.join((*ORDER, *_METHODS))}, and ~ for their opposites"
                )
            object.__setattr__(self, "value", value)
            values = (value,)
        object.__setattr__(self, "accepted", frozenset(map(token, values)))
        object.__setattr__(self, "dated", any(isinstance(value, date) for value in values))

    def __repr__(self) -> str:
        if self.op not in _METHODS:
            return f"F({self.key!r}) {self.op} {self.value!r}"
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return f"F({self.key!r}).{_METHODS[self.op]}({'' if self.op == 'exists' else repr(value)})"


@dataclass(frozen=True, slots=True, repr=False)
class And(Filter):
    """True where all parts are; an And among the parts is replaced by its own parts."""

    parts: tuple[Filter, ...]
    depth: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        _set_parts(self, self.parts)

    def __repr__(self) -> str:
        return " & ".join(map(_operand, self.parts))


@dataclass(frozen=True, slots=True, repr=False)
class Or(Filter):
    """True where some part is; an Or among the parts is replaced by its own parts."""

    parts: tuple[Filter, ...]
    depth: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        _set_parts(self, self.parts)

    def __repr__(self) -> str:
        return " | ".join(map(_operand, self.parts))


@dataclass(frozen=True, slots=True, repr=False)
class Not(Filter):
    """True where the part is false, whatever the reason: also where a value is missing."""

    part: Filter
    depth: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", _depth_over((self.part,)))

    def __repr__(self) -> str:
        if isinstance(self.part, Compare) and self.part.op == "==":
            return f"F({self.part.key!r}) != {self.part.value!r}"
        return f"~{_operand(self.part)}"


class F:
    """A metadata key to compare: `F("year") >= 2020`, `F("lang").is_in(["en", "de"])`.

    A key is looked for as it stands, then as a dotted path into nested metadata.
    """

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        check_key(key)
        self.key = key

    def __eq__(self, value: object) -> Filter:  # type: ignore[override]
        return Compare(self.key, "==", value)  # type: ignore[arg-type]  # Compare checks it

    def __ne__(self, value: object) -> Filter:  # type: ignore[override]
        return Not(Compare(self.key, "==", value))  # type: ignore[arg-type]

    def __lt__(self, value: Scalar) -> Filter:
        return Compare(self.key, "<", value)

    def __le__(self, value: Scalar) -> Filter:
        return Compare(self.key, "<=", value)

    def __gt__(self, value: Scalar) -> Filter:
        return Compare(self.key, ">", value)

    def __ge__(self, value: Scalar) -> Filter:
        return Compare(self.key, ">=", value)

    def is_in(self, values: Iterable[Scalar]) -> Filter:
        """True where `==` is, for one of the values."""
        return Compare(self.key, "in", values)  # type: ignore[arg-type]

    def contains(self, value: Scalar) -> Filter:
        """True where a list has the value as an element, or a string has it as a part."""
        return Compare(self.key, "contains", value)

    def exists(self) -> Filter:
        """True where the key is there and is not None."""
        return Compare(self.key, "exists", True)

    def _alone(self, other: object = None) -> NoReturn:
        raise FilterError(
            f"F({self.key!r}) alone is no filter: compare it, and put parentheses around each "
            f"comparison, as in (F({self.key!r}) == 1) & (F('other') == 2)"
        )

    # `F("a") == 1 & F("b") == 2` reaches these: & and | bind tighter than comparisons.
    __and__ = __rand__ = __or__ = __ror__ = __invert__ = __bool__ = _alone

    def __contains__(self, value: object) -> bool:
        raise FilterError(f"write F({self.key!r}).contains({value!r}) in place of `in`")

    def __repr__(self) -> str:
        return f"F({self.key!r})"


def _set_parts(node: And | Or, given: Iterable[Filter]) -> None:
    kind = type(node)
    parts: list[Filter] = []
    for part in given:
        parts.extend(part.parts if isinstance(part, kind) else (part,))
    if len(parts) < 2:
        raise FilterError(
            f"{kind.__name__} of {len(parts)} parts; two or more are wanted, use a part by itself"
        )
    object.__setattr__(node, "depth", _depth_over(parts))
    object.__setattr__(node, "parts", tuple(parts))


def _depth_over(parts: Iterable[Filter]) -> int:
    deepest = 0
    for part in parts:
        if isinstance(part, (And, Or, Not)):
            deepest = max(deepest, part.depth)
        elif isinstance(part, Compare):
            deepest = max(deepest, 1)
        elif isinstance(part, F):
            bool(part)  # raises, with the way out
        else:
            raise FilterError(
                f"cannot join a filter with {part!r}; a filter is wanted, and parentheses around "
                "each comparison"
            )
    if deepest >= MAX_DEPTH:
        raise FilterError(f"a filter nests deeper than {MAX_DEPTH}; join parts side by side")
    return deepest + 1


def _operand(part: Filter) -> str:
    bare = isinstance(part, Compare) and part.op in _METHODS
    return repr(part) if bare else f"({part!r})"
