"""Metadata in a form that Qdrant's conditions read as Retrievo's filters mean it.

Qdrant knows neither a bool that is no number, nor that 1 equals 1.0, nor dates in any spelling. So
each key has, beside the metadata itself, a list of tokens in which type and value are one text:

- `match.KEY`: "!" where there is a value, "[]" where it is a list, "s" where there is a text, and
  for each value one of "s:text", "n:5", "b:true", "null", and "d:microseconds" where it is a date
- `number.KEY`: numbers for ranges; a whole number that no float64 is equal to is in `low.KEY` and
  `high.KEY` in place of it, as its two neighbours
- `moment.KEY`: dates for ranges, in UTC
"""

import hashlib
import math
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from retrievo.filters import DOC_ID
from retrievo.filters.values import instant

PRESENT, LISTED, TEXT = "!", "[]", "s"
LONGEST = 200
"""Bytes of a token; longer ones are hashed."""

_PLAIN = re.compile(r"[A-Za-z0-9_]+\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
FIRST, LAST = datetime.min.replace(tzinfo=UTC) + _DAY, datetime.max.replace(tzinfo=UTC) - _DAY
"""Between them a moment keeps its order in UTC whatever its zone; beyond, it is set to the edge."""


_LARGEST = sys.float_info.max
FARTHEST = math.nextafter(_LARGEST, 0)
"""Numbers up to here keep their order in a range; those beyond stand for one another."""


def field_name(key: str) -> str:
    """The key as one step of a Qdrant path: letters, digits, `_`, and `-` before others' bytes."""
    if _PLAIN.match(key) and len(key) <= LONGEST:
        return key
    data = key.encode("utf-8", "surrogatepass")
    if len(data) > LONGEST:
        return f"--{hashlib.blake2b(data, digest_size=16).hexdigest()}"
    return "".join(chr(b) if _PLAIN.match(chr(b)) else f"-{b:02x}" for b in data)


def shadow_of(metadata: Mapping[str, Any], doc_id: str) -> dict[str, Any]:
    """The payload's `match`, `number`, `low`, `high` and `moment`, those that are not empty."""
    shadow: dict[str, dict[str, list[Any]]] = {}
    for key, value in _entries(metadata, doc_id):
        if value is not None:
            _add(shadow, field_name(key), value)
    return shadow


def _entries(metadata: Mapping[str, Any], doc_id: str) -> Iterator[tuple[str, Any]]:
    """Every key that a filter can find, and its value: what `filters.lookup` finds."""
    yield DOC_ID, doc_id
    for key, value in metadata.items():
        if key != DOC_ID:
            yield key, value
        if isinstance(value, Mapping) and "." not in key:
            for path, found in _nested(f"{key}.", value):
                if path not in metadata:
                    yield path, found


def _nested(before: str, within: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in within.items():
        if "." not in name:
            yield before + name, value
            if isinstance(value, Mapping):
                yield from _nested(f"{before}{name}.", value)


def _add(shadow: dict[str, dict[str, list[Any]]], name: str, value: Any) -> None:
    listed = isinstance(value, (list, tuple))
    tokens = {PRESENT: None, **({LISTED: None} if listed else {})}
    for item in value if listed else (value,):
        tokens.update(dict.fromkeys(tokens_of(item)))
        if isinstance(item, str):
            tokens[TEXT] = None
            moment = instant(item)
            if moment is not None:
                shadow.setdefault("moment", {}).setdefault(name, []).append(stamp(moment))
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            low, high = neighbours(item)
            if low == high:
                shadow.setdefault("number", {}).setdefault(name, []).append(low)
            else:
                shadow.setdefault("low", {}).setdefault(name, []).append(low)
                shadow.setdefault("high", {}).setdefault(name, []).append(high)
    shadow.setdefault("match", {})[name] = list(tokens)


def tokens_of(item: Any) -> list[str]:
    """The tokens of one value that is no list: equal values, and only those, share one."""
    if item is None:
        return ["null"]
    if isinstance(item, bool):
        return ["b:true" if item else "b:false"]
    if isinstance(item, (int, float)):
        whole = isinstance(item, int) or item.is_integer()
        return [_token("n:", str(int(item)) if whole else repr(float(item)))]
    if isinstance(item, str):
        moment = instant(item)
        text = _token("s:", item)
        return [text] if moment is None else [text, date_token(moment)]
    return []


def _token(kind: str, text: str) -> str:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= LONGEST and (text.isascii() or _is_encodable(text)):
        return kind + text
    return f"{kind[0]}#{hashlib.blake2b(data, digest_size=16).hexdigest()}"


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def date_token(moment: datetime) -> str:
    return f"d:{(moment - _EPOCH) // timedelta(microseconds=1)}"


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, with microseconds; beyond the edges of the calendar, the edge."""
    if moment <= FIRST or moment >= LAST:
        edge = datetime.min if moment <= FIRST else datetime.max
        return f"{edge.isoformat(timespec='microseconds')}Z"
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def neighbours(number: int | float) -> tuple[float, float]:
    """The float64 below and above, finite; twice the number itself where it is one."""
    try:
        near = float(number)
    except OverflowError:
        near = math.inf if number > 0 else -math.inf
    if near == number:
        return near + 0.0, near + 0.0  # -0.0 is 0.0
    if near > number:
        low, high = math.nextafter(near, -math.inf), near
    else:
        low, high = near, math.nextafter(near, math.inf)
    # JSON has no infinity; no range that is sent reaches so far (`FARTHEST`).
    return max(min(low, FARTHEST), -_LARGEST), min(max(high, -FARTHEST), _LARGEST)
