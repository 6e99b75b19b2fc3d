"""Names in code: what they are made of, and how a text is seen to be code."""

import re
from collections.abc import Iterator

_DOTTED = re.compile(r"[^\W\d]\w*(?:(?:\.|::)[^\W\d]\w*)+")
_MARKS = re.compile(r"[{}()\[\];=<>_]|->|::")
_SPACE = re.compile(r"\s+")

CODE_FROM = 0.04
"""Share of a text's characters that are brackets, semicolons and such: 84 % of 737 chunks of code
have as many, and of 5,183 abstracts, whose formulas have brackets too, .4 %."""

_FEWEST_MARKS = 5  # a short sentence has a pair of brackets too


def looks_like_code(text: str) -> bool:
    """Whether so many of the text's characters are those that code is written with."""
    marks = len(_MARKS.findall(text))
    return marks >= _FEWEST_MARKS and marks >= CODE_FROM * len(_SPACE.sub("", text))


def dotted_names(text: str) -> Iterator[tuple[str, int, int]]:
    """Names such as `os.path.join` and `std::mem` in lower case, dots between, and where they are.

    Not abbreviations like "e.g": one of the parts has two letters at least, each begins with one.
    """
    for match in _DOTTED.finditer(text):
        name = match.group().replace("::", ".").lower()
        if max(map(len, name.split("."))) > 1:
            yield name, match.start(), match.end()


def parts_of(word: str) -> list[tuple[int, int]]:
    """Where the parts of `camelCase`, `HTTPServer` and `snake_case` are; none for a plain word.

    A part begins at an upper-case letter behind a lower-case one or a digit, at the last of several
    upper-case letters before a lower-case one, and behind an underscore. Digits stay with what is
    before them.
    """
    if "_" not in word and (len(word) < 2 or word[1:].islower()):
        return []  # nearly every word, and a loop over its letters takes long
    parts: list[tuple[int, int]] = []
    start = 0
    for at in range(1, len(word) + 1):
        if at == len(word) or _begins(word, at):
            text = word[start:at].strip("_")
            if text:
                first = start + len(word[start:at]) - len(word[start:at].lstrip("_"))
                parts.append((first, first + len(text)))
            start = at
    return parts if len(parts) > 1 or (parts and parts[0] != (0, len(word))) else []


def _begins(word: str, at: int) -> bool:
    before, here = word[at - 1], word[at]
    if before == "_" or here == "_":
        return True
    if not here.isupper():
        return False
    if before.islower() or before.isdigit():
        return True
    return before.isupper() and word[at + 1 : at + 2].islower()
