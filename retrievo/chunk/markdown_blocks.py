"""The parts of Markdown that say less when they are cut: code, tables, lists, quotes, comments."""

import re
from io import StringIO

_FENCE = re.compile(r"[ \t]*(?:(`{3,})[^`]*|(~{3,}).*)\Z", re.S)
_ITEM = re.compile(r"([ \t]*)(?:[-+*]|\d{1,9}[.)])[ \t]")
_FRONT_OPENS = re.compile(r"---[ \t]*\r?\n(?=[\w\"'-]+[ ]*:)")
_FRONT_CLOSES = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.M)
_MOST_FRONT = 65_536


def front_matter(text: str) -> int:
    """Where the YAML mapping between `---` lines at the very start ends; 0 without one."""
    opened = _FRONT_OPENS.match(text)
    closed = opened and _FRONT_CLOSES.search(text, opened.end(), opened.end() + _MOST_FRONT)
    return closed.end() if closed else 0


def blocks(text: str) -> list[tuple[int, int]]:
    """Start and end of each block, in characters: fenced code, tables, comments, quotes, lists.

    Of a list each item is one too, so that spans are apart or inside of one another.
    """
    found: list[tuple[int, int]] = []
    kind, start, end, closer = "", 0, 0, ""
    item = indent = 0
    blank = False
    before, before_at = "", 0

    def close() -> None:
        if kind and start < end:
            found.append((start, end))
        if kind == "list" and start < item < end:
            found.append((item, end))

    at = 0
    for line in StringIO(text, newline=""):
        begin, at = at, at + len(line)
        bare = line.strip()
        if kind == "fence" or kind == "comment":
            end = at
            fenced = kind == "fence" and len(bare) >= len(closer)
            if (fenced and bare == closer[0] * len(bare)) or (kind == "comment" and "-->" in line):
                close()
                kind = ""
            continue
        marker = _ITEM.match(line)
        if kind == "list":
            inside = (
                bool(marker) or line[:1] in " \t" or (bare and not blank and line[0] not in "#`~")
            )
            if not bare or inside:
                if marker and len(marker[1].expandtabs(4)) <= indent:
                    found.append((item, end))
                    item = begin
                end, blank = (at, False) if bare else (end, True)
                continue
        elif (kind == "table" and "|" in line) or (kind == "quote" and bare[:1] == ">"):
            end = at
            continue
        close()
        kind = ""
        if opened := _FENCE.match(line):
            kind, closer = "fence", opened[1] or opened[2]
        elif bare.startswith("<!--"):
            kind = "" if "-->" in line else "comment"
        elif bare.startswith(">"):
            kind = "quote"
        elif "|" in before and "|" in line and "-" in line and not set(bare) - set("|:- \t"):
            kind, begin = "table", before_at
        elif marker:
            kind, item, indent, blank = "list", begin, len(marker[1].expandtabs(4)), False
        start, end = begin, at
        before, before_at = line, begin
    close()
    return found
