"""Reads the documentation's pages as a list of steps that can be run, and compares what they show.

A fenced block may have a comment on the line before it:
`<!-- not run: REASON -->`, `<!-- file: PATH -->` (a file that the reader writes), and
`<!-- from: PATH -->` (a piece of a file of this repository).
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<kind>\S*)[^\n]*\n(?P<body>.*?)^```$\n?", re.M | re.S
)
_SECONDS = re.compile(r"\b\d+\.\d s\b")
_GAPS = re.compile(r"(?<=\S) {2,}")
VARY = frozenset({"seconds", "timings", "queries_per_second", "versions", "per_query"})
"""Keys of JSON outputs whose values are the machine's."""


@dataclass(frozen=True)
class Block:
    """A fenced block; `follows` is whether nothing stands between it and the block before."""

    kind: str
    body: str
    mark: str
    line: int
    follows: bool

    def marked(self, what: str) -> str | None:
        found = self.mark.partition(": ")
        return found[2] if found[0] == what else None


def blocks_of(page: Path) -> list[Block]:
    text, found, past = page.read_text("utf-8"), [], -1
    for match in _FENCE.finditer(text):
        # Opening fence and first line: the number that an editor shows for the body.
        line = text.count("\n", 0, match.start("body")) + 1
        follows = past >= 0 and not text[past : match.start()].strip()
        body, mark = match["body"], match["mark"] or ""
        found.append(Block(match["kind"], body, mark, line, follows))
        past = match.end()
    return found


def same_text(shown: str, found: str) -> bool:
    """Whether the output is what the page shows; a line `...` stands for any lines."""
    pieces = [re.escape(_plain(piece)) for piece in re.split(r"^\.\.\.\n", shown, flags=re.M)]
    return re.fullmatch("(?:.*\n)?".join(pieces), _plain(found), re.S) is not None


def _plain(text: str) -> str:
    lines = [_SECONDS.sub("N s", _GAPS.sub(" ", line.rstrip())) for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return "".join(f"{line}\n" for line in lines)


def same_json(shown: object, found: object) -> bool:
    """Equal in keys, lengths and values; fractions nearly, what the machine decides in type."""
    if isinstance(shown, dict) and isinstance(found, dict):
        return shown.keys() == found.keys() and all(
            type(value) is type(found[key]) if key in VARY else same_json(value, found[key])
            for key, value in shown.items()
        )
    if isinstance(shown, list) and isinstance(found, list):
        pairs = zip(shown, found, strict=False)
        return len(shown) == len(found) and all(same_json(*pair) for pair in pairs)
    if isinstance(shown, float) and isinstance(found, float):
        return math.isclose(shown, found, rel_tol=1e-3)
    return type(shown) is type(found) and shown == found


def same(shown: Block, found: str) -> bool:
    if shown.kind == "json":
        return same_json(json.loads(shown.body), json.loads(found))
    return same_text(shown.body, found)
