"""What people read as one character may be several code points, which no cut should part."""

import unicodedata

_JOINER = "\u200d"
_FLAGS = 256
"""Code points of a run of flags that are looked at: a longer one means nothing to anybody."""
# Extend and SpacingMark by another category than M: half-width kana marks, Thai and Lao AM, the
# non-joiner.
_EXTENDING = frozenset("\u200c\u0e33\u0eb3\uff9e\uff9f")
# Between two consonants of these scripts a virama makes one letter of them (rule GB9c).
_VIRAMAS = frozenset("\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2")


def inside_character(text: str, place: int) -> bool:
    """Whether a cut at `place` would part one character: accents, joined emoji, flags, syllables.

    Grapheme clusters of Unicode's annex 29, without its rule on prepended marks.
    """
    before, char = text[place - 1], text[place]
    if char < "\u0300":
        return char == "\n" and before == "\r"
    if unicodedata.category(before) in ("Cc", "Cs", "Zl", "Zp"):
        return False
    kind = unicodedata.category(char)
    if kind[0] == "M" or char in _EXTENDING or char == _JOINER:
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f":
        return True  # the tone of an emoji's skin; the letters of a region's flag
    if before == _JOINER:
        return kind in ("So", "Sm")
    if before in _VIRAMAS:
        return kind == "Lo" and ord(char) >> 7 == ord(before) >> 7  # of one script
    if _is_flag(char):
        return _is_flag(before) and _flags_before(text, place) % 2 == 1
    return _joins_syllable(before, char)


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, place: int) -> int:
    """How many letters of flags stand before the place; two of them are a flag."""
    first = place
    while first > max(0, place - _FLAGS) and _is_flag(text[first - 1]):
        first -= 1
    return place - first


def _joins_syllable(before: str, char: str) -> bool:
    """Whether two letters of Korean, written in parts, are of one syllable."""
    first, second = _part(before), _part(char)
    return (first, second) in _SYLLABLES


_SYLLABLES = frozenset(
    {("L", "L"), ("L", "V"), ("L", "LV"), ("L", "LVT")}
    | {(first, second) for first in ("LV", "V") for second in ("V", "T")}
    | {("LVT", "T"), ("T", "T")}
)


def _part(char: str) -> str:
    """Of a syllable: L begins it, V is its vowel, T ends it; empty for any other letter."""
    if "\uac00" <= char <= "\ud7a3":
        return "LVT" if (ord(char) - 0xAC00) % 28 else "LV"
    if "\u1100" <= char <= "\u115f" or "\ua960" <= char <= "\ua97c":
        return "L"
    if "\u1160" <= char <= "\u11a7" or "\ud7b0" <= char <= "\ud7c6":
        return "V"
    return "T" if "\u11a8" <= char <= "\u11ff" or "\ud7cb" <= char <= "\ud7fb" else ""
