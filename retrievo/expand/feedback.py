"""Pseudo-relevance feedback: what a first search found tells what else to search for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from retrievo.arguments import check_number, check_whole
from retrievo.contracts import Encoder, FirstPass, Store
from retrievo.errors import ConfigError, SearchError
from retrievo.expand.moving import mixed, query_vector, space_of
from retrievo.expand.relevance import added, length_in_terms, relevance_model, shares
from retrievo.metadata import as_text, value_at
from retrievo.retrieve.terms import terms_of
from retrievo.types import Found, Query, Vectors


class FeedbackExpander:
    """The query with words, and a vector, of the best chunks that it finds as it is.

    Words: RM3 (Lavrenko and Croft 2001; Abdul-Jaleel et al. 2004). The `terms` likeliest words of
    the best `documents` chunks join the query for lexical branches; `original_weight` is the share
    that the query's own words keep, 1 adds none. Words that more than `most_common` of the chunks
    have are left out. `metadata` names keys whose values, weighted by how often the chunks have
    them, give the words in the place of the text (QZero: Abdullahi et al. 2024).

    Vector: Rocchio 1971. v' = alpha v + beta mean(vectors of the chunks), as long as v, for the
    dense branch that keeps `representation`; nothing is encoded for it. `beta` 0 leaves v as it is.

    Chunks count by the twelfth power of their scores, in words and vector alike.

    Each search is two. A first search that finds the wrong chunks makes the second one worse.
    """

    def __init__(
        self,
        store: Store,
        encoder: Encoder,
        *,
        query_encoder: Encoder | None = None,
        documents: int = 10,
        terms: int = 30,
        original_weight: float = 0.8,
        metadata: Sequence[str] = (),
        most_common: float = 0.1,
        alpha: float = 1.0,
        beta: float = 0.3,
        language: str = "english",
        representation: str = "dense",
        lexical: str = "bm25",
    ) -> None:
        check_whole("documents", documents, 1)
        check_whole("terms", terms, 0)
        check_number("original_weight", original_weight, most=1.0, above=True)
        check_number("most_common", most_common, most=1.0, above=True)
        check_number("alpha", alpha)
        check_number("beta", beta)
        if not alpha and not beta:
            raise ConfigError("alpha and beta are both 0: nothing is left of the vector")
        if isinstance(metadata, str) or not all(isinstance(key, str) and key for key in metadata):
            raise ConfigError(f"metadata is {metadata!r}; a list of keys is wanted")
        self._store, self._encoder = store, query_encoder or encoder
        self._documents, self._terms = documents, terms if original_weight < 1 else 0
        # RM3 interpolates two distributions; beside 1 for each word of the query, a word of the
        # passages counts this times its likelihood times the number of the query's words.
        self._more = (1 - original_weight) / original_weight
        self._metadata, self._most_common = tuple(metadata), most_common
        self._alpha, self._beta = alpha, beta
        self._analysis = terms_of(language, None)
        self._representation, self._lexical = representation, lexical

    def expand(self, query: str) -> list[Query]:
        """Raises SearchError: without a first search there is nothing to learn from."""
        raise SearchError(
            "feedback expands a query by what it finds: call expand_found(query, first_pass), as a "
            "pipeline does"
        )

    def expand_found(self, query: Query, first_pass: FirstPass) -> list[Query]:
        """One query: the given one with terms and a vector; as it is where nothing was found."""
        first = replace(query, vectors=dict(query.vectors))  # a branch keeps there what it encodes
        found = first_pass(first, self._documents)
        if not len(found):
            return [query]
        found = _first(found, self._documents)
        weights = shares(found.scores)
        terms, vectors = dict(query.terms), dict(query.vectors)
        if self._terms:
            terms = added(terms, self._likely(query.text, found, weights))
        if self._beta:
            moved = self._moved(first, found, weights)
            if moved is not None:
                vectors[self._representation] = moved
        return [replace(query, terms=terms, vectors=vectors)]

    def _likely(
        self, text: str, found: Found, weights: npt.NDArray[np.float64]
    ) -> dict[str, float]:
        if self._metadata:
            texts = [
                "\n".join(as_text(value_at(chunk.metadata, key)) for key in self._metadata)
                for chunk in found.chunks
            ]
            model = relevance_model(texts, weights, self._analysis, most=self._terms)
        else:
            texts = [chunk.indexed_text for chunk in found.chunks]
            model = relevance_model(
                texts, weights, self._analysis, most=self._terms, known=self._rare
            )
        much = self._more * length_in_terms(text, self._analysis)
        return {word: much * p for word, p in model.items()}

    def _rare(self, terms: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Of each term whether few enough chunks have it; of a small index none is too common."""
        if space_of(self._store, self._lexical) is None:
            return np.ones(len(terms), bool)
        often = self._store.frequencies(self._lexical, np.asarray(terms, np.uint32))
        most = self._most_common * self._store.statistics(self._lexical).n
        return often <= max(most, self._documents)

    def _moved(
        self, first: Query, found: Found, weights: npt.NDArray[np.float64]
    ) -> Vectors | None:
        """The query's vector towards the chunks' mean; None where the index keeps no vectors."""
        space = space_of(self._store, self._representation)
        if space is None or space.kind != "dense":
            return None
        stored = np.asarray(self._store.vectors(self._representation, found.rows), np.float32)
        own = query_vector(first, self._representation, self._encoder)
        if own.shape != stored.shape[1:]:
            raise SearchError(
                f"feedback: the query's vector has {len(own)} numbers, those of the index under "
                f"{self._representation!r} have {stored.shape[1]}; set beta = 0 in [expander]"
            )
        centre: Vectors = (weights @ stored).astype(np.float32)
        return mixed(own, centre, self._alpha, self._beta)


def _first(found: Found, n: int) -> Found:
    if len(found) <= n:
        return found
    return Found(found.chunks[:n], found.rows[:n], found.scores[:n])
