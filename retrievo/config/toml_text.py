"""Writes tables as TOML, which the standard library only reads."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import PurePath
from typing import Any

from retrievo.errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def toml_text(tables: Mapping[str, Any]) -> str:
    """TOML 1.0 that `tomllib` reads back as the same tables, in their order, plain values first.

    A table whose values are all tables is written as `[name.sub]`, deeper ones inline. Paths
    become strings, tuples arrays. Raises ConfigError, naming the key, for what TOML cannot hold.
    """
    return "\n".join(_lines(tables)).lstrip("\n") + "\n"


def _lines(tables: Mapping[str, Any]) -> Iterator[str]:
    for name, value in tables.items():
        if not isinstance(value, Mapping):
            yield _pair(name, value, name)
    for name, value in tables.items():
        if not isinstance(value, Mapping):
            continue
        if value and all(isinstance(item, Mapping) for item in value.values()):
            for sub, table in value.items():
                yield from _table(f"{_key(name, name)}.{_key(sub, name)}", table)
        else:
            yield from _table(_key(name, name), value)


def _table(header: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n[{header}]"
    for name, value in table.items():
        yield _pair(name, value, f"{header}.{name}")


def _pair(name: str, value: object, where: str) -> str:
    return f"{_key(name, where)} = {_value(value, where)}"


def _key(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise ConfigError(f"{where}: the key {name!r} is not a str; TOML has no other keys")
    return name if _BARE.fullmatch(name) else _string(name, where)


def _value(value: object, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value, where)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        # float's own repr, as that of numpy's subclass is no number
        return float.__repr__(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, datetime):
        return _moment(value, where)
    if isinstance(value, time) and value.tzinfo is not None:
        raise ConfigError(f"{where}: TOML has no time of day with a zone; found {value}")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return _string(str(value), where)
    if isinstance(value, Mapping):
        inside = ", ".join(_pair(key, item, f"{where}.{key}") for key, item in value.items())
        return f"{{{inside}}}"
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return "[" + ", ".join(_value(item, where) for item in value) + "]"
    wanted = "leave the key out" if value is None else "plain values are wanted"
    raise ConfigError(f"{where}: TOML cannot hold a {type(value).__name__}; {wanted}")


def _moment(value: datetime, where: str) -> str:
    offset = value.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        raise ConfigError(f"{where}: TOML has no zone with seconds; found {value}")
    return value.isoformat()


def _string(text: str, where: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{where}: a text with half a surrogate pair cannot be written: {text!r}"
        ) from error
    return '"' + "".join(_escape(letter) for letter in text) + '"'


def _escape(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter < " " or letter == "\x7f":
        return f"\\u{ord(letter):04x}"
    return letter
