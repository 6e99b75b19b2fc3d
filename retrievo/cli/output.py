"""What goes to the terminal: JSON and results on stdout, messages on stderr."""

import json
import re
import sys
from typing import Any

# Colours, cursor moves, titles and links: ESC [ … letter, and ESC ] … up to its end.
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# Control characters but tab and line break, bidirectional overrides and lone surrogates: a
# document or a file name must not be able to drive the terminal or to reorder what stands there.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str) -> str:
    """The text without what could drive a terminal; line breaks and tabs stay."""
    return _UNSAFE.sub("", _SEQUENCE.sub("", text))


def one_line(text: str, width: int | None = None) -> str:
    """The cleaned text with each run of white space as one space, cut to `width` characters."""
    line = " ".join(clean(text).split())
    return line if width is None or len(line) <= width else line[: width - 1].rstrip() + "…"


def say(message: str) -> None:
    """Print a message as one line on stderr; an empty one prints nothing."""
    if message:
        _write(sys.stderr, one_line(message) + "\n")


def show(text: str) -> None:
    """Print text for people on stdout, cleaned."""
    _write(sys.stdout, clean(text).rstrip("\n") + "\n")


def show_json(value: Any) -> None:
    """Print one JSON value on stdout; it is ASCII, so that every terminal and pipe can take it."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    # numpy scalars are what metadata and scores may still hold.
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _write(stream: Any, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
