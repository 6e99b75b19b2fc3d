"""Metadata of every JSON type, and filters that ask for each of them in every way."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Any

from retrievo.filters import F, Filter

METADATA: list[dict[str, Any]] = [
    {"year": 2019, "lang": "en", "tags": ["a", "b"], "open": True, "n": 1},
    {"year": 2020, "lang": "de", "tags": [], "open": False, "deep": {"key": 1}, "n": 1.0},
    {"year": 2020.0, "lang": "en", "tags": ["b"], "day": "2020-05-01", "n": True},
    {"lang": None, "note": 'quote " and \\ and \u2603', "n": "1", "day": "2020-05-01T12:00+02:00"},
    {},
    {"year": "2020", "tags": "ab", "open": 1, "n": None, "day": "soon"},
    {"n": 2**53 + 1, "big": 10**599, "tags": ["a", 1, None, True, 2.5, ["b"], {"c": 1}]},
    {"n": float(2**53), "big": -(10**599), "deep": {"key": {"er": [1, 2]}}, "deep.key": 7},
    {"n": -0.0, "tiny": 5e-324, "huge": 1.7e308, "empty": {}, "none": [], "text": ""},
    {"é": "é", "e\u0301": "e\u0301", "lang": "EN", "note": "\x00\ud800", "n": [1, "1"]},
    {"a key with 'quotes' and \"more\"": 1, "$ne": 1, " ": 2, "x" * 500: "y" * 5000, "n": 0},
    {"year": [2018, 2021], "lang": ["de", "fr"], "n": False, "deep": [{"key": 1}]},
]

ATOMS: list[Filter] = [
    F("year") == 2020,
    F("year") != 2020,
    F("year") >= 2020,
    F("year") < 2020,
    F("lang") > "de",
    F("n") <= 1.0,
    F("lang").is_in(["en", "fr"]),
    ~F("lang").is_in(["en", None]),
    F("tags").contains("b"),
    ~F("tags").contains("a"),
    F("open").exists(),
    ~F("day").exists(),
    F("deep.key") == 1,
    F("doc_id") == "d1",
]
"""Every operator and its opposite; each accepts some of METADATA and refuses others."""

VALUES: list[Filter] = [
    F("n") == 1,
    F("n") == True,  # noqa: E712
    F("n") == False,  # noqa: E712
    F("n") == "1",
    F("n") == None,  # noqa: E711
    F("n") == 0,
    F("n") != 1,
    F("n") == 2**53 + 1,
    F("n") == 2**53,
    F("n") > 2**53,
    F("n").is_in([1, "1"]),
    F("n").is_in([True, None]),
    F("n").is_in([]),
    F("open") == 1,
    F("big") > 10**598,
    F("big") == -(10**599),
    F("tiny") > 0,
    F("huge") >= 1.7e308,
    F("tags").contains(1),
    F("tags").contains(True),
    F("tags").contains(None),
    F("tags").contains(""),
    F("tags") == 2.5,
    F("deep.key") == 7,
    F("deep.key").exists(),
    F("deep.key.er") == 2,
    F("deep") == 1,
    F("empty").exists(),
    F("none").exists(),
    F("text") == "",
    F("é") == "é",
    F("e\u0301") == "é",
    F("lang") == "EN",
    F("note").contains("\x00"),
    F("note").contains('"'),
    F("a key with 'quotes' and \"more\"") == 1,
    F("$ne") == 1,
    F(" ") == 2,
    F("x" * 500).contains("yy"),
    F("day") >= date(2020, 5, 1),
    F("day") == date(2020, 5, 1),
    F("day") == datetime(2020, 5, 1, 10, tzinfo=UTC),
    F("day") < "2020-06",
    F("doc_id").is_in(["d0", "d3", "nobody"]),
    F("doc_id") != "d1",
    F("doc_id") > "d2",
    F("part") == 1,
    F("nothing") == "x",
]
"""Values that are easily taken for one another."""


def joined() -> Iterator[Filter]:
    """Every two of ATOMS joined in every way, and some of three."""
    for one, other in combinations(ATOMS, 2):
        yield one & other
        yield one | other
        yield one & ~other
        yield ~(one | other)
    for one, two, three in zip(ATOMS, ATOMS[3:], ATOMS[7:], strict=False):
        yield (one | two) & ~three
        yield ~(one & ~(two | three))
