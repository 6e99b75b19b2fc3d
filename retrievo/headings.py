"""Finds the headings of Markdown, and nests headings into sections."""

import re
from io import StringIO

from retrievo.types import Section

_FENCE = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)\Z", re.S)
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t](.*))?\Z", re.S)
_UNDERLINE = re.compile(r" {0,3}(?:(=+)|-+)[ \t]*\Z")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})\Z")
_INDENTED = re.compile(r" {4}| {0,3}\t")
# What an underline cannot make a heading of: a quote, a list, a table.
_CONTAINER = re.compile(r" {0,3}(?:>|\||((?:[-+*]|\d{1,9}[.)])(?:[ \t]|\Z)))")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])")
_ANCHOR = re.compile(r"\{[^{}]*\}\Z")


def headings(text: str) -> list[tuple[int, int, str]]:
    """Level, start of its first line and plain text of each heading, in order.

    CommonMark 0.31's ATX and setext headings at the top level (not in lists and quotes), outside
    of code blocks and HTML comments.
    """
    found: list[tuple[int, int, str]] = []
    fence, comment, container = "", False, False
    paragraph: list[str] = []
    start = at = item = 0  # item: how far the text of the list item above is indented
    for line in StringIO(text, newline=""):  # unlike splitlines, at line ends only
        begin, at = at, at + len(line)
        line = line.rstrip("\r\n")
        if fence:
            bare = line.strip()
            if len(bare) >= len(fence) and bare == fence[0] * len(bare):
                fence = ""
        elif comment:
            comment = "-->" not in line
        elif opened := _FENCE.match(line):
            fence, paragraph, container = opened[1] or opened[2], [], False
            item = item if line.startswith(" " * item) else 0
        elif line.lstrip().startswith("<!--"):
            comment, paragraph = "-->" not in line, []
        elif item and line.startswith(" " * item):
            paragraph, container = [], True
        elif atx := _ATX.match(line):
            found.append((len(atx[1]), begin, _plain(_unclosed((atx[2] or "").strip()))))
            paragraph, container, item = [], False, 0
        elif paragraph and (under := _UNDERLINE.match(line)):
            found.append((1 if under[1] else 2, start, _plain(" ".join(paragraph))))
            paragraph = []
        elif not line.strip():
            paragraph, container = [], False
        elif _RULE.match(line):
            paragraph, container, item = [], False, 0
        elif (within := _CONTAINER.match(line)) or container:
            # Until the next blank line, what follows may still belong to the list or quote.
            paragraph, container = [], not within or within.end() < len(line)
            if within:
                item = within.end() if within[1] else 0
        elif paragraph:
            paragraph.append(line.strip())
        elif not _INDENTED.match(line):
            paragraph, start, item = [line.strip()], begin, 0
    return [heading for heading in found if heading[2]]


def nest(found: list[tuple[int, int, str]]) -> tuple[Section, ...]:
    """A section a heading, with the headings of lower level that it stands under."""
    sections: list[Section] = []
    above: list[tuple[int, str]] = []
    for level, start, name in found:
        above = [(outer, text) for outer, text in above if outer < level]
        above.append((level, name))
        sections.append(Section(start, tuple(text for _, text in above)))
    return tuple(sections)


def _unclosed(name: str) -> str:
    """Without the closing #s, which count only after a space."""
    bare = name.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else name


def _plain(name: str) -> str:
    name = _LINK.sub(r"\1", _ANCHOR.sub("", name))
    return name.replace("`", "").replace("**", "").strip()
