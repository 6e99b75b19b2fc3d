"""Metadata as every store can keep it: JSON values, checked as they come in."""

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from retrievo.errors import DocumentError

_PLAIN = (str, bool, type(None))
_DEEPEST = 100
_LARGEST = 10**600


def plain_metadata(metadata: Mapping[Any, Any], document: str) -> dict[str, Any]:
    """A copy that holds JSON values only. Raises DocumentError, naming the document and the key."""
    if _is_plain(metadata):
        return dict(metadata)
    return {
        _json_key(key, document): _json_value(value, document, str(key))
        for key, value in metadata.items()
    }


def _is_plain(metadata: Mapping[Any, Any]) -> bool:
    for key, value in metadata.items():
        if type(key) is not str:
            return False
        if type(value) in _PLAIN or (type(value) is int and -_LARGEST < value < _LARGEST):
            continue
        if type(value) is list and all(type(item) is str for item in value):
            continue
        return False
    return type(metadata) is dict


def _json_key(key: object, document: str) -> str:
    if not isinstance(key, str):
        raise DocumentError(f"document {document!r}: the metadata key {key!r} is not a str")
    return key


def _json_value(value: Any, document: str, key: str, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise DocumentError(
            f"document {document!r}: metadata {key[:60]!r} is nested deeper than {_DEEPEST} levels"
        )
    if isinstance(value, np.generic):
        # .item() gives a longdouble back as it is.
        value = float(value) if isinstance(value, np.floating) else value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        if not -_LARGEST < value < _LARGEST:
            raise DocumentError(
                f"document {document!r}: metadata {key!r} is a whole number of more than 600 digits"
            )
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DocumentError(
                f"document {document!r}: metadata {key!r} is {value}; "
                "leave the key out where a number is unknown"
            )
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value
        return [_json_value(item, document, key, depth + 1) for item in items]
    if isinstance(value, Mapping):
        return {
            _json_key(name, document): _json_value(item, document, f"{key}.{name}", depth + 1)
            for name, item in value.items()
        }
    raise DocumentError(
        f"document {document!r}: metadata {key!r} holds a {type(value).__name__}; "
        "JSON values and dates are wanted"
    )


SOURCE_PATH = "source_path"
"""The key of the file that a document came from, where "path" holds something of its own."""


def file_of(metadata: Mapping[str, Any]) -> str | None:
    """The path of the file that a document came from, as it was given; None without one."""
    path = metadata.get(SOURCE_PATH, metadata.get("path"))
    return path if isinstance(path, str) else None


def value_at(metadata: Mapping[str, Any], key: str) -> Any:
    """The value of a key, which may have dots itself, or lead into what is nested; None without."""
    if key in metadata:
        return metadata[key]
    first, _, rest = key.partition(".")
    inner = metadata.get(first)
    return value_at(inner, rest) if rest and isinstance(inner, Mapping) else None


def as_text(value: Any) -> str:
    """A value as people read it, lists with commas between; "" for none and for what is nested."""
    if value is None or isinstance(value, Mapping):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(shown for one in value if (shown := as_text(one)))
    return str(value)
