"""Templates with placeholders: read once, filled in without leaving separators around nothing."""

import re
from collections.abc import Callable
from typing import NamedTuple

from retrievo.errors import ConfigError
from retrievo.host.nearest import hint

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}|[{}]")
_PAIRS = {"(": ")", "[": "]", "<": ">", '"': '"', "'": "'", "“": "”", "‘": "’", "«": "»"}
METADATA = "metadata."


class _Place(NamedTuple):
    """A placeholder, what stands before it, and the brackets around it."""

    before: str
    opening: str
    name: str
    closing: str


class _Line(NamedTuple):
    places: list[_Place]
    after: str


class Template:
    """Lines of text with `{name}`; `{{` and `}}` stand for braces.

    A placeholder without a value goes with the brackets directly around it. What stands between
    two placeholders is there where the right one has a value and so has one to its left, what
    stands before the first and behind the last where that one has a value. A line whose
    placeholders all have none is left out. Values are text: a brace in one is only a brace.

    Raises ConfigError, with those that are `known`, for a placeholder that is not, and for a brace
    that stands alone.
    """

    def __init__(self, text: str, known: tuple[str, ...]) -> None:
        self._lines = [_read(line, text, known) for line in text.split("\n")]
        self.names = {place.name for line in self._lines for place in line.places}

    def fill(self, value: Callable[[str], str]) -> str:
        """The text with `value(name)` in the place of each placeholder."""
        values = {name: value(name) for name in sorted(self.names)}
        lines = [_filled(line, values) for line in self._lines]
        return "\n".join(line for line in lines if line is not None).strip()


def _filled(line: _Line, values: dict[str, str]) -> str | None:
    """The line; None where it has placeholders and no values."""
    if not line.places:
        return line.after
    made = ""
    for number, (before, opening, name, closing) in enumerate(line.places):
        if values[name]:
            # The first separator belongs to what is missing before it.
            made += before if made or number == 0 else ""
            made += f"{opening}{values[name]}{closing}"
    if values[line.places[-1].name]:
        made += line.after
    return made or None


def _read(line: str, template: str, known: tuple[str, ...]) -> _Line:
    places: list[_Place] = []
    text, at = "", 0
    for piece in _PIECE.finditer(line):
        text += line[at : piece.start()]
        at = piece.end()
        name = piece[1]
        if piece[0] in ("{{", "}}"):
            text += piece[0][0]
        elif name is None:
            raise ConfigError(
                f"template {template!r} has a {piece[0]!r} that belongs to no placeholder; write "
                f"{piece[0] * 2} for the character itself"
            )
        elif name in known or (name.startswith(METADATA) and name != METADATA):
            places.append(_Place(text, "", name, ""))
            text = ""
        else:
            names = ", ".join(f"{{{one}}}" for one in (*known, f"{METADATA}KEY"))
            raise ConfigError(
                f"template has no placeholder {{{name}}}{hint(name, known)} Known: {names}."
            )
    return _bracketed(places, text + line[at:])


def _bracketed(places: list[_Place], after: str) -> _Line:
    """The line with each pair of brackets that is directly around a placeholder put to it."""
    befores = [*(place.before for place in places), after]
    made = []
    for number, place in enumerate(places):
        opening = closing = ""
        while befores[number] and befores[number + 1]:
            left, right = befores[number][-1], befores[number + 1][0]
            if _PAIRS.get(left) != right:
                break
            befores[number], befores[number + 1] = befores[number][:-1], befores[number + 1][1:]
            opening, closing = left + opening, closing + right
        made.append(_Place(befores[number], opening, place.name, closing))
    return _Line(made, befores[-1])
