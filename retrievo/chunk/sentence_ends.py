"""Where sentences end: behind marks that are no abbreviation's, at blank lines and lists."""

import re
from bisect import bisect_left, bisect_right

from retrievo.chunk.boundaries import Boundaries

# Possessive and bounded runs, so that no text takes more than linear time.
_END = re.compile(
    r"""[.!?…。！？｡।॥؟۔։።។။\n\u2029\x0c]
    (?:
      (?<=[.!?…]) [.!?…]{0,8}+ ["')\]»”’*_]{0,3}+ (?P<mark> (?=\s|\Z) )
    | (?<=[。！？｡]) [。！？｡]{0,8}+ [」』”’）》]{0,3}+ (?P<stop> (?<![」』]) | (?!と) )
    | (?<=[।॥؟۔։።។။]) (?P<other> )
    | (?<=[\u2029\x0c]) (?P<page> )
    | (?<=\n) (?P<line>
          (?= [ \t]*+ \r?+ \n )
        | (?= [ \t]{0,12}+ (?: \#{1,6}[ ] | [-*+•] [ ] | \d{1,4}[.)] [ ] | \| | > ) )
      )
    )""",
    re.VERBOSE,
)
_WORD = re.compile(r"[\w.&]{1,12}+\Z")
_SEEN = 14
# Words that are written with a full stop inside of sentences, lower-case and without their last.
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr drs prof rev hon gen col capt lt sgt st mt messrs mme mlle sra dra "
    "vs eg e.g ie i.e cf approx ca eds dept univ ph.d m.d b.a m.a n.b "
    "bzw usw z.b u.a d.h hrsg vgl evtl ggf inkl dipl ing mio mrd av env p.ex".split()
)
# Those that end a sentence as well: it goes on unless the next word is one that begins them.
_MAY_END = frozenset("sr jr etc al inc ltd corp bros".split())
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*+")
_BEGINS = re.compile(
    r"""\s*+ ["'(\[“‘«]?+ (?: The|This|That|These|Those|There|Then|They|It|Its|He|His|She|Her|We|Our
    |You|Your|I|My|In|On|At|As|And|But|Or|So|If|For|From|When|Where|Why|What|Who|How|While|After
    |Although|However|Its|Their|All|Some|Most|Many|No|Not|To|By|With|Mr|Mrs|Ms|Dr ) \b""",
    re.VERBOSE,
)
# Those that are one before a number only: "He said no. Then" has two sentences.
_BEFORE_NUMBERS = frozenset(
    "no nos nr fig figs vol vols pp ch chap sec art par abs bd ed op tab eq eqs ft "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_NUMBER = re.compile(r"\s*+(?:\d|[IVXLC]{2,6}+\b)")
# "3. Oktober": the ordinal numbers of dates.
_MONTH = re.compile(
    r"\s*+(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b"
)
_SMALL = re.compile(r"\s*+[a-zà-öø-ÿа-я]")
_DOT = re.compile(r"\s++\.")


def sentence_ends(text: str) -> list[int]:
    """Ascending offsets behind each sentence, without white space; not that of the text's end."""
    ends: list[int] = []
    for found in _END.finditer(text):
        at = found.end()
        if found.lastgroup == "mark" and _goes_on(text, found.start(), at):
            continue
        ends.append(found.start() if found.lastgroup == "line" else at)
    return ends


def _goes_on(text: str, mark: int, end: int) -> bool:
    """Whether a sentence goes on behind the mark: an abbreviation, an initial, a small letter."""
    if text[mark] in "!?":
        return bool(_SMALL.match(text, end, end + _SEEN))
    word = _WORD.search(text, max(0, mark - _SEEN), mark)
    if word is not None and text[mark] == ".":
        bare = word.group().lower()
        if bare in _ABBREVIATIONS:
            return True
        if bare in _MAY_END or _INITIALS.fullmatch(bare):
            return not _BEGINS.match(text, end)
        if bare in _BEFORE_NUMBERS and _NUMBER.match(text, end):
            return True
        if bare.isdigit() and len(bare) <= 2 and _MONTH.match(text, end):
            return True
    return bool(_SMALL.match(text, end, end + _SEEN) or _DOT.match(text, end, end + _SEEN))


class SentencePlaces:
    """Cuts behind whole sentences; within one only where it is too long by itself."""

    def __init__(self, text: str) -> None:
        self._text, self._ends = text, sentence_ends(text)
        self._within = Boundaries(text)

    def last(self, low: int, middle: int, limit: int) -> int:
        """The last end of a sentence in (low, limit], else the best place within the sentence."""
        at = bisect_right(self._ends, limit) - 1
        if at >= 0 and self._ends[at] > low:
            return self._ends[at]
        return self._within.last(low, middle, limit)

    def first(self, low: int, high: int) -> int:
        """The end of the first sentence in [low, high), `high` where none ends there."""
        edge = low
        while edge > 0 and self._text[edge - 1].isspace():
            edge -= 1
        at = bisect_left(self._ends, edge)
        return self._ends[at] if at < len(self._ends) and self._ends[at] < high else high
