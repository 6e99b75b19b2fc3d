"""How text becomes the terms of a lexical index: words, lower case, stop words out, stems.

Words are runs of letters, digits and underscores. Runs of Chinese, Japanese and Korean characters
have no spaces between words and become overlapping pairs of characters (bigrams), as in Lucene's
CJK analyzer. A term's index is a 32-bit hash of it: no vocabulary has to be agreed on between
processes; of a million different terms, one in 4,300 shares its index with another.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import cache

import Stemmer

from retrievo.errors import ConfigError

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


@cache
def terms_of(language: str, stop_words: tuple[str, ...] | None) -> "Terms":
    """The one analyzer of a language in this process; its memory of words is shared."""
    return Terms(language, stop_words)


class Terms:
    """Turns text into term indices; each different word is stemmed and hashed once."""

    def __init__(self, language: str = "english", stop_words: Sequence[str] | None = None) -> None:
        if language != "none" and language not in Stemmer.algorithms():
            known = ", ".join(["none", *Stemmer.algorithms()])
            raise ConfigError(f"no stemmer for the language {language!r}; known: {known}")
        if stop_words is None:
            stop_words = sorted(ENGLISH_STOP_WORDS) if language == "english" else ()
        self._stop = frozenset(word.lower() for word in stop_words)
        # Indexes keep it: what changes the terms of a text must change it.
        stop = hashlib.blake2b(" ".join(sorted(self._stop)).encode(), digest_size=4).hexdigest()
        self.settings = f"terms {FORMAT}, {language}, {len(self._stop)} stop words ({stop})"
        self._stemmer = None if language == "none" else Stemmer.Stemmer(language)
        self._known: dict[str, tuple[int, ...]] = {}

    def indices(self, text: str) -> list[int]:
        """The index of every term of the text, in order, repeated as often as it occurs."""
        known = self._known
        found: list[int] = []
        for word in _WORD.findall(text.lower()):
            terms = known.get(word)
            found += self._learn(word) if terms is None else terms
        return found

    def _learn(self, word: str) -> tuple[int, ...]:
        if len(self._known) >= _REMEMBERED_WORDS:
            self._known.clear()
        terms = tuple(_hash(term) for term in self._terms(word))
        self._known[word] = terms
        return terms

    def _terms(self, word: str) -> list[str]:
        if word in self._stop:
            return []
        if not word.isascii() and _CJK.search(word):
            terms, rest = [], 0
            for run in _CJK.finditer(word):
                if run.start() > rest:
                    terms.append(self._stem(word[rest : run.start()]))
                text = run.group()
                terms += [text[i : i + 2] for i in range(max(1, len(text) - 1))]
                rest = run.end()
            if rest < len(word):
                terms.append(self._stem(word[rest:]))
            return terms
        return [self._stem(word)]

    def _stem(self, word: str) -> str:
        # A PyStemmer object is not safe in two threads at once, but holds the GIL while it works.
        return word if self._stemmer is None else str(self._stemmer.stemWord(word))


def _hash(term: str) -> int:
    data = term.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "little")
