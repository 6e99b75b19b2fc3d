"""Where a text may be cut, from the best kind of place to the worst."""

import re
from bisect import bisect_left, bisect_right

from retrievo.chunk.characters import inside_character

# One set of characters comes first, so that the search skips all others quickly; runs are
# possessive and bounded, so that no text takes more than linear time.
_MARK = re.compile(
    r"""[\n\r\x0b\x0c\x85\u2028\u2029.!?…。！？,;:，、；：–—]
    (?:
      (?<=[\n\r\x0c\u2029]) (?P<paragraph>
          (?<=[\x0c\u2029])
        | (?:(?<=\r)\n)?+ (?: [ \t]*+ \r?+ \n \s*+ | (?=\#{1,6}[ ]) )
      )
    | (?<=[\n\r\x0b\x85\u2028]) (?:(?<=\r)\n)?+ (?: (?P<line> (?![a-z]) ) | (?P<wrap> ) )
    | (?<=[.!?…]) (?<!\b\w.) (?P<sentence> ["')\]»”’*_]{0,3}+ (?=\s) (?!\s++[a-z]) )
    | (?<=[。！？]) (?P<stop> [」』”’）]{0,3}+ )
    | (?<=[,;:–—]) (?P<clause> (?=\s) )
    | (?<=[，、；：]) (?P<comma> )
    )""",
    re.VERBOSE,
)
# A line break before a small letter is most often a wrapped line: no better than a comma.
_LEVEL = {
    "paragraph": 0,
    "line": 1,
    "sentence": 2,
    "stop": 2,
    "wrap": 3,
    "clause": 3,
    "comma": 3,
}
_LEVELS = 4
_LINE_ENDS = frozenset({"paragraph", "line", "wrap"})


class Boundaries:
    """The places to cut of one text: paragraphs and headings, lines, sentences, clauses, words.

    A place is the offset after the last character before it; white space follows, or nothing.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._places: list[list[int]] = [[] for _ in range(_LEVELS)]
        line = 0
        for found in _MARK.finditer(text):
            kind = found.lastgroup or ""
            at = found.end()
            if kind in _LINE_ENDS:
                line, before, at = at, line, found.start()
                # A heading belongs to what follows it, and so does a comment.
                if text.startswith("#", before):
                    continue
            self._places[_LEVEL[kind]].append(at)

    def last(self, low: int, middle: int, limit: int) -> int:
        """The best place in (middle, limit], else one from half way to `middle` on.

        Without either, the last between words in (low, limit], else `limit`; where that would
        part a letter from its accents, a little less: down to `low`.
        """
        middle = max(low, middle)
        for floor in (middle, (low + middle) // 2):
            for places in self._places:
                at = bisect_right(places, limit) - 1
                if at >= 0 and places[at] > floor:
                    return places[at]
        text = self._text
        for place in range(limit, low, -1):
            if text[place].isspace() or text[place - 1].isspace():
                return place
        place = limit
        while place > low and inside_character(text, place):
            place -= 1
        return place

    def first(self, low: int, high: int) -> int:
        """The start of the first sentence in [low, high), else of a word, else about `low`."""
        text = self._text
        edge = low
        while edge > 0 and text[edge - 1].isspace():
            edge -= 1
        found = high
        for places in self._places[:3]:
            at = bisect_left(places, edge)
            if at < len(places):
                found = min(found, places[at])
        if found < high:
            return found
        for place in range(low, high):
            if text[place].isspace() or text[place - 1].isspace():
                return place
        place = low
        while place < high and inside_character(text, place):
            place += 1
        return place
