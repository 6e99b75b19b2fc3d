"""The values that filters compare with: what is allowed, and when two are equal."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timezone
from numbers import Integral
from typing import Final

from retrievo.errors import FilterError

Scalar = str | int | float | bool | date | None

INT_DIGITS: Final = 600
"""Longer integers are refused: Python may be set to print no more than 640 digits."""
_INT_LIMIT: Final = 10**INT_DIGITS


def instant(value: date | str) -> datetime | None:
    """The moment that a date or an ISO 8601 text names, naive ones in UTC; None for other texts."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None  # what is no date is neither before nor after one
    elif isinstance(value, datetime):
        moment = value
    else:
        moment = datetime(value.year, value.month, value.day)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_date(text: object, where: str) -> date:
    """A date of an ISO 8601 date, a datetime of one with a time. Raises FilterError."""
    for kind in (date, datetime):
        try:
            return kind.fromisoformat(text)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue  # the error below tells what was found
    raise FilterError(
        f"{where}: {text!r} is no date; ISO 8601 is wanted, 2020-01-31 or 2020-01-31T12:00+01:00"
    )


def token(value: Scalar) -> object:
    """A stand-in for the value that equals another's exactly where the filter language says so."""
    if isinstance(value, bool):
        return (bool, value)  # 1 == True for Python
    return instant(value) if isinstance(value, date) else value


def check_key(key: object) -> None:
    """Raise FilterError unless the key is a text that is not empty."""
    if not isinstance(key, str) or not key:
        raise FilterError(f"a filter's key is {key!r}; the name of a metadata key is wanted")


def scalar(value: object, key: str) -> Scalar:
    """The value as exactly one of the types of Scalar. Raises FilterError."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # of an Enum that is a str, the text and not the member's name
    if isinstance(value, (int, Integral)):
        if abs(number := int(value)) < _INT_LIMIT:
            return number
        raise FilterError(f"filter on {key!r}: an integer of more than {INT_DIGITS} digits")
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise FilterError(
            f"filter on {key!r}: cannot compare with {value}; a finite number is wanted"
        )
    if isinstance(value, datetime):
        # Around a clock change a zone's rules make equal moments unequal; its offset does not.
        offset = value.utcoffset()
        zone = None if offset is None else timezone(offset)
        return datetime.combine(value.date(), value.time().replace(fold=0), zone)
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    hint = "; for several values use is_in" if isinstance(value, (list, tuple, set)) else ""
    raise FilterError(
        f"filter on {key!r}: cannot compare with a {type(value).__name__}; "
        f"a str, int, float, bool, None, date or datetime is wanted{hint}"
    )


def scalars(values: object, key: str) -> tuple[Scalar, ...]:
    """The values in their order, those of a set sorted. Raises FilterError."""
    if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable):
        raise FilterError(f"filter on {key!r}: `in` takes a list of values, not {values!r}")
    ordered = sorted(values, key=repr) if isinstance(values, (set, frozenset)) else values
    return tuple(scalar(value, key) for value in ordered)
