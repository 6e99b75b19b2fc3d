import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo.chunk.characters import inside_character

regex = pytest.importorskip("regex", reason="the reference for grapheme clusters is regex's \\X")


def ends(text):
    """Where regex sees one character end and the next begin."""
    return {found.start() for found in regex.finditer(r"\X", text)}


PARTS = [
    *(
        "a",
        "e\u0301",
        "字",
        " ",
        "\r\n",
        "\n",
        "\u0301",
        "🙂",
        "👍🏽",
        "👩\u200d👧\u200d👦",
        "❤\ufe0f",
    ),
    *("🇩🇪", "🇫🇷", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e007f", "ที่", "ำ", "नमस्ते", "क्षि"),
    *("각", "\u1112\u1161\u11ab", "\u1100\u1173", "각\u11a8", "தமி", "ស្រ", "שָׁ", "ｶﾞ", "a\u200cb"),
]


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=30).map("".join))
def test_it_is_where_unicode_says(text):
    found = {place for place in range(1, len(text)) if not inside_character(text, place)}
    assert found | {0} == ends(text)


def test_every_code_point_after_a_letter():
    """What Unicode has as a mark of its own is parted, as some of Burmese; nothing else is not."""
    others = []
    for number in range(1, sys.maxunicode + 1):
        text = "a" + chr(number)
        if unicodedata.category(text[1]) in ("Cn", "Co", "Cs", "Lo"):
            continue
        if inside_character(text, 1) == (1 in ends(text)):
            others.append(text[1])
    assert len(others) < 40 and all(unicodedata.category(char) == "Mc" for char in others)


@pytest.mark.parametrize("letters", [1, 2, 3, 400, 401])
def test_flags_are_pairs_of_letters(letters):
    text = "🇩" * letters
    assert [inside_character(text, n) for n in range(1, min(letters, 200))] == [
        n % 2 == 1 for n in range(1, min(letters, 200))
    ]


def test_a_long_run_of_flags_takes_bounded_work():
    class Text(str):
        asked = 0

        def __getitem__(self, place):
            Text.asked += 1
            return super().__getitem__(place)

    inside_character(Text("🇩" * 100_000), 99_999)
    assert Text.asked < 1_000
