"""Queries near a topic that is given by keywords, and texts tagged by them without training."""

import re
import threading
from collections.abc import Mapping, Sequence

from retrievo.arguments import check_number, check_whole
from retrievo.contracts import Encoder, Store
from retrievo.errors import ConfigError
from retrievo.expand.moving import check_dim, mixed, query_vector
from retrievo.expand.relevance import added, length_in_terms
from retrievo.expand.topics import Tag, Topics, document_topics, keyword_topics
from retrievo.retrieve.terms import terms_of
from retrievo.retrieve.vectors import checked_vectors
from retrievo.telling import tell
from retrievo.types import Query, Vectors

_WHO = "keywords"


class KeywordsExpander:
    """A query near a topic gets the topic's keywords as words, and its vector mixed into its own.

    `topics` are keywords by name. A topic's vector is the centroid of the chunks that are near to
    the mean of its keywords' vectors (Lbl2Vec: Schopf, Braun and Matthes 2021): those at most
    `offset` below the best, from `min_documents` to `max_documents`, with `clean` without local
    outliers. It is made at the first query, and again when the index has another number of chunks.
    In an index with tenants no topic may be made of chunks: there it is of its keywords alone.

    A query is near where its cosine with the topic's vector is `threshold` or more; None takes the
    cosine of the topic's own farthest keyword. The nearest topic counts. `original_weight` is the
    share that the query keeps of its words and of its vector.
    """

    def __init__(
        self,
        topics: dict[str, list[str]],
        encoder: Encoder,
        store: Store,
        *,
        query_encoder: Encoder | None = None,
        threshold: float | None = None,
        original_weight: float = 0.8,
        offset: float = 0.2,
        min_documents: int = 1,
        max_documents: int = 100,
        clean: bool = False,
        language: str = "english",
        representation: str = "dense",
    ) -> None:
        self._topics = _checked(topics)
        if threshold is not None:
            check_number("threshold", threshold, least=-1.0, most=1.0)
        check_number("original_weight", original_weight, most=1.0, above=True)
        check_number("offset", offset)
        check_whole("min_documents", min_documents, 1)
        check_whole("max_documents", max_documents, min_documents)
        self._encoder, self._query_encoder = encoder, query_encoder or encoder
        self._store, self._representation = store, representation
        self._threshold, self._weight = threshold, original_weight
        self._offset, self._clean = offset, clean
        self._least, self._most = min_documents, max_documents
        self._analysis = terms_of(language, None)
        self._turn = threading.Lock()
        self._made: Topics | None = None
        self._made_of = -1

    def expand(self, query: str) -> list[Query]:
        """One query, with terms and a vector where it is near a topic."""
        return self.expand_query(Query(query))

    def expand_query(self, query: Query) -> list[Query]:
        """The same of a query that has something already."""
        made = Query(query.text, query.weight, dict(query.vectors), dict(query.terms), query.steer)
        if not query.text.strip():
            return [made]
        topics = self.topics()
        own = query_vector(made, self._representation, self._query_encoder)
        [tag] = topics.best(own[None])
        if tag.topic is None:
            return [made]
        at = topics.names.index(tag.topic)
        # A keyword itself is near, in whatever batch it was encoded.
        near = topics.near[at] - 1e-5 if self._threshold is None else self._threshold
        if tag.score < near:
            return [made]
        share = 1.0 - self._weight
        if self._keeps_vectors():
            made.vectors[self._representation] = mixed(own, topics.vectors[at], self._weight, share)
        words = dict.fromkeys(
            word for one in self._topics[tag.topic] for word in re.findall(r"\w+", one.lower())
        )
        length = length_in_terms(query.text, self._analysis)
        more = share / self._weight * length / len(words) if words and share else 0.0
        if more:
            made.terms = added(made.terms, dict.fromkeys(words, more))
        return [made]

    def tag(self, texts: Sequence[str]) -> list[Tag]:
        """For each text the topic that it is nearest to, and how near: zero-shot classification."""
        topics = self.topics()
        n, dim = len(texts), self._encoder.dim
        if not n:
            return []
        given = self._encoder.encode_document(list(texts))
        return topics.best(checked_vectors(self._encoder, given, n, dim))

    def topics(self) -> Topics:
        """The topics as the index has them now."""
        keeps = self._keeps_vectors()
        count = self._store.count() if keeps else 0
        with self._turn:
            if self._made is None or self._made_of != count:
                self._made, self._made_of = self._make(count), count
            return self._made

    def _make(self, count: int) -> Topics:
        keywords = {name: self._encoded(words) for name, words in self._topics.items()}
        if not count:
            return keyword_topics(keywords)
        if self._store.tenanted():
            tell(
                "keywords: this index keeps tenants apart, so that no topic is made of its chunks; "
                "topics are the means of their keywords"
            )
            return keyword_topics(keywords)
        return document_topics(
            keywords, self._store, self._representation, offset=self._offset,
            min_documents=self._least, max_documents=self._most, clean=self._clean,
        )  # fmt: skip

    def _encoded(self, words: Sequence[str]) -> Vectors:
        encoder = self._query_encoder
        return checked_vectors(encoder, encoder.encode_query(list(words)), len(words), encoder.dim)

    def _keeps_vectors(self) -> bool:
        return check_dim(self._store, self._representation, self._query_encoder.dim, _WHO)


def _checked(topics: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    wanted = "keywords by name are wanted, as in {baking = ['bread', 'oven']}"
    if not isinstance(topics, Mapping) or not topics:
        raise ConfigError(f"topics is {topics!r}; {wanted}")
    for name, words in topics.items():
        good = isinstance(words, (list, tuple)) and words
        if not good or not all(isinstance(word, str) and word.strip() for word in words):
            raise ConfigError(f"the topic {name!r} is {words!r}; {wanted}")
    return {name: list(words) for name, words in topics.items()}
