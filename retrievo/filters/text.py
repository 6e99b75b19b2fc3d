"""The text grammar of a filter: `section == "games" and installed_size_kb < 5000`.

    filter     = both { ("or" | "|" | "||") both }
    both       = negated { ("and" | "&" | "&&") negated }
    negated    = ("not" | "~" | "!") negated | "(" filter ")" | comparison
    comparison = "exists" key | key sign value
               | key ["not"] ("exists" | "contains" value | "in" "[" [value {"," value}] "]")

Words of the grammar are read in any case; a key that is one of them goes in backquotes.
"""

import json
import re
from datetime import date
from typing import Final, NamedTuple, NoReturn, cast

from retrievo.errors import FilterError
from retrievo.filters.nodes import MAX_DEPTH, And, Compare, Filter, Not, Op, Or
from retrievo.filters.values import INT_DIGITS, Scalar, read_date

_WORD: Final = r"[^\W\d][\w./-]*"
_TOKEN: Final = re.compile(
    rf"""(?P<string>"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')
    | (?P<quoted>`(?:[^`\\]|\\.)++`)
    | (?P<number>[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+(?![\w.]))
    | (?P<word>{_WORD})
    | (?P<sign>==|!=|<=|>=|&&|\|\||[=<>!&|~()\[\],])
    | (?P<end>\Z)""",
    re.VERBOSE | re.DOTALL,
)
_SPACE: Final = re.compile(r"\s*+")
_ESCAPE: Final = re.compile(
    r"\\(?:(u[dD][89abAB][0-9a-fA-F]{2})\\(u[dD][c-fC-F][0-9a-fA-F]{2})|(u[0-9a-fA-F]{4})|(.))",
    re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_RESERVED: Final = frozenset(("and", "or", "not", "in", "contains", "exists"))
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "none": None}
_SIGNS: Final = {"=": "==", "==": "==", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_VALUE: Final = 'a value (a text in quotes, a number, true, false, null or date("2020-01-31"))'


def parse_filter(text: str) -> Filter:
    """The filter that a text says. Raises FilterError, naming the character, from 1."""
    parser = _Parser(text)
    filter = parser.either(1)
    parser.end()
    return filter


def format_filter(filter: Filter) -> str:
    """The text that `parse_filter` reads as an equal filter."""
    if isinstance(filter, Compare):
        return _format_compare(filter, "")
    if isinstance(filter, Not):
        part = filter.part
        if isinstance(part, Compare):
            if part.op == "==":
                return f"{_format_key(part.key)} != {_format_value(part.value)}"
            if part.op in ("in", "contains", "exists"):
                return _format_compare(part, "not ")
        return f"not {_format_part(part)}"
    if isinstance(filter, And):
        return " and ".join(map(_format_part, filter.parts))
    if isinstance(filter, Or):
        # `and` binds tighter, so that its parts need no parentheses here.
        return " or ".join(map(format_filter, filter.parts))
    raise FilterError(f"a {type(filter).__name__} is no filter; `as_filter` makes one")


def _format_part(part: Filter) -> str:
    return f"({format_filter(part)})" if isinstance(part, (And, Or)) else format_filter(part)


def _format_compare(compare: Compare, denied: str) -> str:
    start = f"{_format_key(compare.key)} {denied}{compare.op}"
    return start if compare.op == "exists" else f"{start} {_format_value(compare.value)}"


def _format_key(key: str) -> str:
    if re.fullmatch(_WORD, key) and key.lower() not in _RESERVED:
        return key
    inside = json.dumps(key, ensure_ascii=False)[1:-1].replace("`", "\\`")
    return f"`{inside}`"


def _format_value(value: Scalar | tuple[Scalar, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_format_value, value))}]"
    if isinstance(value, date):
        return f'date("{value.isoformat()}")'
    return json.dumps(value, ensure_ascii=False)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def word(self) -> str:
        """What the grammar compares: words in any case; nothing for texts, keys and numbers."""
        return self.text.lower() if self.kind in ("word", "sign") else ""


class _Parser:
    __slots__ = ("place", "text", "token")

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.token = self.scan()

    def scan(self) -> _Token:
        space = _SPACE.match(self.text, self.place)
        start = space.end() if space else self.place
        found = _TOKEN.match(self.text, start)
        if found is None:
            if self.text[start] in "\"'`":
                self.fail(_Token("open", self.text[start:], start), "its closing quote")
            rest = self.text[start:].split(maxsplit=1)[0]
            number = "a number that ends where letters begin, or a text in quotes"
            wanted = number if rest[0].isdigit() else "a key, a value or an operator"
            self.fail(_Token("odd", rest, start), wanted)
        self.place = found.end()
        return _Token(str(found.lastgroup), found.group(), start)

    def fail(self, token: _Token, wanted: str) -> NoReturn:
        text = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        shown = token.text if len(token.text) <= 30 else token.text[:27] + "..."
        found = "the end" if token.kind == "end" else repr(shown)
        raise FilterError(
            f"filter {text!r}: at character {token.start + 1}: found {found}, wanted {wanted}"
        )

    def take(self) -> _Token:
        token = self.token
        if token.kind != "end":
            self.token = self.scan()
        return token

    def accept(self, *words: str) -> bool:
        if self.token.word not in words:
            return False
        self.take()
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            self.fail(self.token, " or ".join(map(repr, words)))

    def end(self) -> None:
        if self.token.kind != "end":
            self.fail(self.token, "'and', 'or' or the end")

    def either(self, level: int) -> Filter:
        parts = [self.both(level)]
        while self.accept("or", "|", "||"):
            parts.append(self.both(level))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self, level: int) -> Filter:
        parts = [self.negated(level)]
        while self.accept("and", "&", "&&"):
            parts.append(self.negated(level))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negated(self, level: int) -> Filter:
        if level > MAX_DEPTH:
            self.fail(self.token, f"no more than {MAX_DEPTH} levels of `not` and parentheses")
        if self.accept("not", "~", "!"):
            return Not(self.negated(level + 1))
        if self.accept("("):
            filter = self.either(level + 1)
            self.expect(")")
            return filter
        return self.comparison()

    def comparison(self) -> Filter:
        start = self.token
        if self.accept("exists"):
            enclosed = self.accept("(")
            key = self.key()
            if enclosed:
                self.expect(")")
            return Compare(key, "exists", True)
        key = self.key()
        denied = self.accept("not")
        value: object
        if self.accept("exists"):
            op, value = "exists", True
        elif self.accept("contains"):
            op, value = "contains", self.value()
        elif self.accept("in"):
            op, value = "in", self.values()
        elif denied:
            self.fail(self.token, "'in', 'contains' or 'exists'")
        elif self.accept("!="):
            op, value, denied = "==", self.value(), True
        elif self.token.word in _SIGNS:
            op, value = _SIGNS[self.take().word], self.value()
        else:
            self.fail(self.token, "an operator: == != < <= > >= in, not in, contains, exists")
        try:
            compare = Compare(key, cast(Op, op), cast(Scalar, value))
        except FilterError as error:
            raise FilterError(f"filter at character {start.start + 1}: {error}") from error
        return Not(compare) if denied else compare

    def key(self) -> str:
        token = self.take()
        if token.kind == "quoted":
            return self.unescape(token)
        if token.kind == "word" and token.word not in _RESERVED:
            return token.text
        self.fail(token, "a metadata key, `in backquotes` where it is no plain word")

    def values(self) -> tuple[Scalar, ...]:
        if not self.accept("["):
            self.fail(self.token, 'a list, such as ["a", "b"]')
        values: list[Scalar] = []
        if self.accept("]"):
            return ()
        while True:
            values.append(self.value())
            if self.accept("]"):
                return tuple(values)
            self.expect(",", "]")

    def value(self) -> Scalar:
        token = self.take()
        if token.kind == "string":
            return self.unescape(token)
        if token.kind == "number":
            if any(sign in token.text for sign in ".eE"):
                return float(token.text)
            if len(token.text.lstrip("+-")) > INT_DIGITS:
                self.fail(token, f"an integer of at most {INT_DIGITS} digits")
            return int(token.text)
        if token.word in _CONSTANTS:
            return _CONSTANTS[token.word]
        if token.word == "date" and self.accept("("):
            inside = self.take()
            if inside.kind != "string":
                self.fail(inside, 'a date in quotes, date("2020-01-31")')
            self.expect(")")
            return read_date(self.unescape(inside), f"filter at character {inside.start + 1}")
        self.fail(token, _VALUE)

    def unescape(self, token: _Token) -> str:
        def plain(found: re.Match[str]) -> str:
            high, low, unit, sign = found.groups()
            if high:
                pair = ((int(high[1:], 16) & 0x3FF) << 10) | (int(low[1:], 16) & 0x3FF)
                return chr(0x10000 + pair)
            if unit:
                return chr(int(unit[1:], 16))
            if sign.isalnum() and sign not in _ESCAPES:
                self.fail(token, f"\\\\{sign} for a backslash before {sign!r}")
            return _ESCAPES.get(sign, sign)

        return _ESCAPE.sub(plain, token.text[1:-1])
