"""Texts made for chunkers: at random, and long ones."""

import random

from hypothesis import strategies as st

_ALPHABET = "aaabcdeXY.,;:!?\n\n\r\t    -#é\u0301字🙂\u200d\x00。"
_PIECES = (
    *("word", " ", "\n", "\n\n", "\r\n", ". ", ".\n", ", ", "x" * 40, " " * 30, "\t"),
    *("e\u0301", "🙂", "👩\u200d👧", "👍🏽", "🇩🇪", "1\ufe0f\u20e3", "각", "\u1112\u1161\u11ab"),
    *("字", "。", "ที่", "क्षि", "שלום ", "مرحبا ", "\x00", "\u2028", "\ud83d", "\ufeff", "\u200b"),
    *("# ", "- ", "1. ", "|", "> ", "```\n", "<p>", "</p>", "&amp;", "<!--", "Dr. ", "e.g. "),
    *("def f():\n    pass\n", "class A:\n", "{", "}", '"""', "<s>", "##"),
)

TEXTS = st.lists(st.one_of(st.sampled_from(_PIECES), st.characters()), max_size=60).map("".join)
"""Any Unicode, lone surrogates too, with much of what chunkers look for."""

SIZES = st.integers(1, 40).flatmap(
    lambda size: st.tuples(st.just(size), st.just(0) | st.integers(0, size - 1))
)
"""A size and an overlap that is smaller, often none."""


def random_texts(n: int = 60) -> list[str]:
    """The same ones each time, up to 400 characters long."""
    draw = random.Random(7)
    return ["".join(draw.choices(_ALPHABET, k=draw.randrange(400))) for _ in range(n)]


def one_line(characters: int) -> str:
    """So many characters of short sentences without a line break."""
    line = " ".join(f"word{number} of a line, and more." for number in range(characters // 24))
    return line[:characters]


def long_texts(characters: int) -> dict[str, str]:
    """Three kinds of long text by name, each of so many characters, the same ones each time."""
    draw = random.Random(5)
    words = [*"a of key vault, moon, parrot; unbelievable engine. River. (bread)".split(), "zéro"]
    n = characters // 3
    lines = [" ".join(draw.choices(words, k=draw.randrange(1, 30))) for _ in range(n // 20 + 1)]
    letters = draw.choices("我們今天去了圖書館然後讀了一本關於貓的書", k=characters)
    texts = {
        "paragraphs": "".join(line + draw.choice(["\n", "\n\n", "\n\n# "]) for line in lines),
        "one line": " ".join(draw.choices(words, k=n)),
        "no spaces": "".join(letters),
    }
    return {name: text[:characters] for name, text in texts.items()}
