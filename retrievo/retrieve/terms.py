"""How text becomes the terms of a lexical index: words, lower case, stop words out, stems.

Words are runs of letters, digits and underscores. Runs of Chinese, Japanese and Korean characters
have no spaces between words and become overlapping pairs of characters (bigrams), as in Lucene's
CJK analyzer. A term's index is a 32-bit hash of it: no vocabulary has to be agreed on between
processes; of a million different terms, one in 4,300 shares its index with another.

Stop words are there for English only. Other languages have none unless they are given: a word that
is in every text has an idf near 0, and lists for 36 languages are more than can be vouched for.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Literal, NamedTuple, get_args

import Stemmer

from retrievo.errors import ConfigError
from retrievo.retrieve.identifiers import dotted_names, looks_like_code, parts_of

Code = Literal["off", "on", "auto"]
"""Whether names in code give their parts as well; "auto" where a text looks like code."""

_WORD = re.compile(r"\w+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")

# Lucene's EnglishAnalyzer.ENGLISH_STOP_WORDS_SET, and the pronouns and forms of "be", "have" and
# "do" that questions are made of.
ENGLISH_STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with "
    "i me my we our you your he him his she her its them what which who whom how when where why "
    "am been being were has have had do does did can could should would from about than so".split()
)

_REMEMBERED_WORDS = 500_000

FORMAT = 1
"""Counts up when the same text and the same settings give other terms."""


class Occurrence(NamedTuple):
    """A term's index, and the span of the text, in characters, that gave it."""

    term: int
    start: int
    end: int
    weight: float = 1.0
    """What it counts in a query."""


PART_WEIGHT = 0.5
"""What the parts of a name count in a query beside the name itself. Chosen of 0, .5 and 1 on the
collections that it was measured on: nDCG@10 of `code = "on"` .704, .738, .738 on chunks of code and
.689, .694, .691 on abstracts, where BM25 without parts has .654 and .689."""


@cache
def terms_of(language: str, stop_words: tuple[str, ...] | None, code: Code = "off") -> "Terms":
    """The one analyzer of a language in this process; its memory of words is shared."""
    return Terms(language, stop_words, code=code)


class Terms:
    """Turns text into term indices; each different word is stemmed and hashed once.

    With `code` "on" names like `getUser`, `get_user` and `os.path` give their parts beside the
    whole, each as one more term, which counts half in a query; with "auto" in texts that look like
    code, and in every query.
    """

    def __init__(
        self,
        language: str = "english",
        stop_words: Sequence[str] | None = None,
        *,
        code: Code = "off",
    ) -> None:
        if language != "none" and language not in Stemmer.algorithms():
            known = ", ".join(["none", *Stemmer.algorithms()])
            raise ConfigError(f"no stemmer for the language {language!r}; known: {known}")
        if code not in get_args(Code):
            raise ConfigError(f"code is {code!r}; one of {get_args(Code)} is wanted")
        if stop_words is None:
            stop_words = sorted(ENGLISH_STOP_WORDS) if language == "english" else ()
        self.language = language
        self._code = code
        self._stop = frozenset(word.lower() for word in stop_words)
        # Indexes keep it: what changes the terms of a text must change it.
        stop = hashlib.blake2b(" ".join(sorted(self._stop)).encode(), digest_size=4).hexdigest()
        self.settings = f"terms {FORMAT}, {language}, {len(self._stop)} stop words ({stop})"
        if code != "off":
            self.settings += f", code {code}"
        self._stemmer = None if language == "none" else Stemmer.Stemmer(language)
        self._known: dict[str, tuple[int, ...]] = {}

    def indices(self, text: str) -> list[int]:
        """The index of every term of the text, in order, repeated as often as it occurs.

        The parts of names in code follow behind all others.
        """
        found = self._of_words(text)
        if self._code == "on" or (self._code == "auto" and looks_like_code(text)):
            found += [one.term for one in self._of_names(text)]
        return found

    def weights(self, text: str) -> dict[int, float]:
        """What each term of a query counts: how often it is there, the parts of names half."""
        found: dict[int, float] = dict(Counter(self._of_words(text)))
        if self._code != "off":
            for part in self._of_names(text):
                found[part.term] = found.get(part.term, 0.0) + part.weight
        return found

    def _of_words(self, text: str) -> list[int]:
        known = self._known
        found: list[int] = []
        for word in _WORD.findall(text.lower()):
            terms = known.get(word)
            found += self._learn(word) if terms is None else terms
        return found

    def occurrences(self, text: str, *, query: bool = False) -> list[Occurrence]:
        """The terms of a text, or of a query, in the same order, each with where it is."""
        lower, places = _lowered(text)
        found = []
        for match in _WORD.finditer(lower):
            for term, start, end in self._terms(match.group()):
                at = match.start()
                first, last = places(at + start), places(at + end - 1)
                found.append(Occurrence(_hash(term), first, last + 1))
        if self._code == "on" or (self._code == "auto" and (query or looks_like_code(text))):
            found += self._of_names(text)
        return found

    def _of_names(self, text: str) -> Iterator[Occurrence]:
        """What names in code give beside their words: parts, and dotted names as a whole."""
        for match in _WORD.finditer(text):
            for start, end in parts_of(match.group()):
                at = match.start() + start
                for index in self._of_word(match.group()[start:end].lower()):
                    yield Occurrence(index, at, match.start() + end, PART_WEIGHT)
        for name, start, end in dotted_names(text):
            yield Occurrence(_hash(name), start, end, PART_WEIGHT)

    def _of_word(self, word: str) -> tuple[int, ...]:
        terms = self._known.get(word)
        return self._learn(word) if terms is None else terms

    def _learn(self, word: str) -> tuple[int, ...]:
        if len(self._known) >= _REMEMBERED_WORDS:
            self._known.clear()
        terms = tuple(_hash(term) for term, _, _ in self._terms(word))
        self._known[word] = terms
        return terms

    def _terms(self, word: str) -> list[tuple[str, int, int]]:
        """Each term of a lower-case word, and where in the word it is."""
        if word in self._stop:
            return []
        if not word.isascii() and _CJK.search(word):
            terms, rest = [], 0
            for run in _CJK.finditer(word):
                if run.start() > rest:
                    terms.append((self._stem(word[rest : run.start()]), rest, run.start()))
                text, at = run.group(), run.start()
                pairs = ((text[i : i + 2], at + i) for i in range(max(1, len(text) - 1)))
                terms += [(pair, start, start + len(pair)) for pair, start in pairs]
                rest = run.end()
            if rest < len(word):
                terms.append((self._stem(word[rest:]), rest, len(word)))
            return terms
        return [(self._stem(word), 0, len(word))]

    def _stem(self, word: str) -> str:
        # A PyStemmer object is not safe in two threads at once, but holds the GIL while it works.
        return word if self._stemmer is None else str(self._stemmer.stemWord(word))


def _hash(term: str) -> int:
    data = term.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "little")


def _lowered(text: str) -> tuple[str, Callable[[int], int]]:
    """The text in lower case, and what gives the place in the text of a place in that.

    Some letters have more than one in lower case: "İ" has a dot of its own then.
    """
    lower = text.lower()
    if len(lower) == len(text):
        return lower, lambda at: at
    places = [at for at, letter in enumerate(text) for _ in letter.lower()]
    return lower, places.__getitem__
