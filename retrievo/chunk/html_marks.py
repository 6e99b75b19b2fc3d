"""What HTML marks, by one pass over its tags: headings, blocks, scripts. Its text is not changed.

No parser is asked, because none says where in the source its text comes from. Each search that
can fail is tried again only behind the place where it failed, so that no page takes more than
linear time.
"""

import html
import re
from typing import NamedTuple

_OPEN = re.compile(r"<(?=[a-zA-Z/!?])")
# Up to its ">", where it has one; an open quote takes all that is left.
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][^\s/<>]*+)(?:[^"'<>]++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+""",
)
_PLAIN_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>]*+)[^<>]*+")
_ANY_TAG = re.compile(r"""<[a-zA-Z/!?](?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>""")
_LONGEST_TAG = 65_536
_LONGEST_HEADING = 2_000
_RAW = frozenset({"script", "style"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_KEPT = frozenset("table tr pre ul ol dl li blockquote figure".split())
_BLOCKS = frozenset(
    "address article aside blockquote body caption dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 head header hr html li main nav ol option p pre script section "
    "style summary table tbody td tfoot th thead tr ul".split()
)


class Marks(NamedTuple):
    """All places are in characters and in order.

    `tags` are spans of tags and comments, `blocks` the ends of blocks and the places before them,
    `headings` level, start and text of each. `kept` are tables, lists and the like, apart or inside
    of one another. `scripts` are scripts and styles with their tags.
    """

    tags: list[tuple[int, int]]
    blocks: list[int]
    headings: list[tuple[int, int, str]]
    kept: list[tuple[int, int]]
    scripts: list[tuple[int, int]]


def marks(text: str) -> Marks:
    """The marks of a page; a text without tags has none."""
    found = Marks([], [], [], [], [])
    opened: dict[str, list[int]] = {name: [] for name in _KEPT}
    heading: tuple[int, int, int, int] | None = None  # level, start, where its text starts, tag
    lead = lead_end = -1  # a run of opening tags right before the place
    missing: set[str] = set()
    hopeless = at = 0
    while opening := _OPEN.search(text, at):
        begin = opening.start()
        if text.startswith(("<!", "<?"), begin):
            closer = "-->" if text.startswith("<!--", begin) else ">"
            end = -1 if closer in missing else text.find(closer, begin + len(closer))
            if end < 0:
                missing.add(closer)
                at = begin + 1
                continue
            at = end + len(closer)
            found.tags.append((begin, at))
            continue
        tag = None
        if begin >= hopeless:
            tag = _TAG.match(text, begin, begin + _LONGEST_TAG)
            if tag and not text.startswith(">", tag.end()):
                hopeless, tag = tag.end(), None
        tag = tag or _PLAIN_TAG.match(text, begin)
        if tag is None or not text.startswith(">", tag.end()):
            at = begin + 1
            continue
        closing, name, at = bool(tag[1]), tag[2].lower(), tag.end() + 1
        span = (begin, at)
        if not closing and name in _RAW and name not in missing:
            ended = re.compile(rf"</{name}[^<>]*+>", re.I).search(text, at)
            if ended is None:
                missing.add(name)
            else:
                at = ended.end()
                found.scripts.append((begin, at))
                found.blocks.extend((begin, at))
                lead = -1
                continue
        found.tags.append(span)
        if not closing and name in _BLOCKS:
            if lead < 0 or text[lead_end:begin].strip():
                lead = begin
            lead_end = at
            found.blocks.append(begin)
        elif closing:
            lead = -1
            if name in _BLOCKS:
                found.blocks.append(at)
        if name in _KEPT:
            if not closing:
                opened[name].append(begin)
            elif opened[name]:
                found.kept.append((opened[name].pop(), at))
        if name in _HEADINGS:
            if heading is not None:
                _head(text, found, heading, begin)
                heading = None
            if not closing:
                heading = (_HEADINGS[name], lead, at, len(found.tags))
    if heading is not None:
        _head(text, found, heading, len(text))
    return found


def without_tags(text: str) -> str:
    """The text between tags, as a reader sees it."""
    return html.unescape(_ANY_TAG.sub("", text))


def _head(text: str, found: Marks, heading: tuple[int, int, int, int], end: int) -> None:
    level, start, at, tag = heading
    end = min(end, at + _LONGEST_HEADING)
    words = []
    for opens, closes in found.tags[tag:]:
        if opens >= end:
            break
        words.append(text[at:opens])
        at = closes
    words.append(text[at:end])
    name = " ".join(html.unescape("".join(words)).split())
    if name:
        found.headings.append((level, start, name))
