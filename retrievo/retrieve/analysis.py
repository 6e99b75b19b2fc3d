"""Which language a chunk is read in, and in which ones a query is."""

from collections.abc import Mapping, Sequence
from typing import Any

from retrievo.errors import ConfigError
from retrievo.metadata import value_at
from retrievo.retrieve.terms import Code, Occurrence, Terms, terms_of
from retrievo.telling import Counted, tell
from retrievo.types import Chunk, Query

BY_METADATA = "metadata:"

# ISO 639-1, for the languages that Snowball has a stemmer of.
_LETTERS = (
    "ar arabic, hy armenian, eu basque, ca catalan, cs czech, da danish, nl dutch, en english, "
    "eo esperanto, et estonian, fi finnish, fr french, de german, el greek, hi hindi, "
    "hu hungarian, id indonesian, ga irish, it italian, lt lithuanian, ne nepali, no norwegian, "
    "nb norwegian, nn norwegian, fa persian, pl polish, pt portuguese, ro romanian, ru russian, "
    "sr serbian, st sesotho, es spanish, sv swedish, ta tamil, tr turkish, yi yiddish"
)
LANGUAGES: Mapping[str, str] = dict(
    (pair.split()[0], pair.split()[1]) for pair in _LETTERS.split(", ")
)


class Analysis:
    """The terms of chunks and of queries, in one language or in that which each chunk names.

    Raises ConfigError for a language without a stemmer, and for `languages` that are not given
    where they are wanted or given where they are not.
    """

    def __init__(
        self,
        language: str,
        languages: Sequence[str] | None,
        stop_words: Sequence[str] | None,
        code: Code,
    ) -> None:
        stop = None if stop_words is None else tuple(stop_words)
        self._key: str | None = None
        names = [language]
        if language.startswith(BY_METADATA):
            self._key = language.removeprefix(BY_METADATA)
            names = [] if languages is None or isinstance(languages, str) else list(languages)
            if not names or not self._key:
                raise ConfigError(
                    f"language = {language!r} wants languages, those that documents may name, the "
                    'first for what names none: language = "metadata:lang", languages = '
                    '["english", "german"]'
                )
        elif languages is not None:
            raise ConfigError(
                f'languages goes with language = "metadata:KEY"; it is {language!r}, and all is '
                "read in that"
            )
        named = {known_language(name) or name: None for name in names}
        self.terms = [terms_of(name, stop, code) for name in named]
        self._by_language = dict(zip(named, self.terms, strict=True))
        self.settings = self.terms[0].settings
        if self._key is not None:
            told = "; ".join(terms.settings for terms in self.terms)
            self.settings = f"by {self._key}: {told}"

    def _of(self, chunk: Chunk) -> Terms | None:
        if self._key is None:
            return self.terms[0]
        found = known_language(value_at(chunk.metadata, self._key))
        return None if found is None else self._by_language.get(found)

    def of(self, chunk: Chunk) -> Terms:
        """The analyzer that reads the chunk."""
        return self._of(chunk) or self.terms[0]

    def indices(self, chunk: Chunk) -> list[int]:
        return self.of(chunk).indices(chunk.indexed_text)

    def tell_unknown(self, chunks: Sequence[Chunk]) -> None:
        """Tell how many chunks name no language that is known here."""
        if self._key is None:
            return
        unknown = sum(self._of(chunk) is None for chunk in chunks)
        if unknown:
            names = ", ".join(self._by_language)
            tell(
                Counted(
                    unknown,
                    len(chunks),
                    f"chunks have in {self._key!r} none of the languages {names}: bm25 reads them "
                    f"as {self.terms[0].language}",
                )
            )

    def weights(self, query: Query) -> dict[int, float]:
        """What each term of the query counts: how often it is there, `terms` by their weights.

        A word that has different stems in several languages has a term for each.
        """
        found = self._counts(query.text)
        for word, weight in query.terms.items():
            if weight > 0:  # less than nothing is none: a term that is not to be found
                for index, times in self._counts(word).items():
                    found[index] = found.get(index, 0.0) + weight * times
        return found

    def occurrences(self, text: str) -> list[Occurrence]:
        """The terms of a query where they are; what several languages make alike is there once."""
        found = (one for terms in self.terms for one in terms.occurrences(text, query=True))
        if len(self.terms) == 1:
            return list(found)
        return sorted(dict.fromkeys(found), key=lambda one: one[1:3])

    def _counts(self, text: str) -> dict[int, float]:
        if len(self.terms) == 1:
            return self.terms[0].weights(text)
        found: dict[int, float] = {}
        for one in self.occurrences(text):
            found[one.term] = found.get(one.term, 0.0) + one.weight
        return found


def known_language(value: Any) -> str | None:
    """The Snowball name of a language by its name or its letters ("de", "de-AT"); else None."""
    if not isinstance(value, str):
        return None
    name = value.strip().lower()
    if name in LANGUAGES.values() or name == "none":
        return name
    return LANGUAGES.get(name.replace("_", "-").partition("-")[0])
