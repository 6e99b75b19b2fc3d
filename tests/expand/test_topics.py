"""Topics' vectors, on vectors written out by hand."""

from contextlib import nullcontext

import numpy as np
import pytest

from retrievo.expand.topics import document_topics, keyword_topics, unit
from retrievo.types import Candidates


class Stored:
    """A store of a few dense vectors, and nothing else of a store."""

    def __init__(self, *vectors):
        self.all = np.stack([unit(np.float32(vector)) for vector in vectors])

    def reading(self):
        return nullcontext()

    def search(self, representation, queries, depth, filters=None):
        found = []
        for query in queries:
            scores = self.all @ query
            rows = np.argsort(-scores, kind="stable")[:depth]
            found.append(Candidates(rows, scores[rows]))
        return found

    def vectors(self, representation, rows):
        return self.all[rows]


def rows(*vectors):
    return np.float32(vectors)


def made(store, keywords, **more):
    given = {
        "offset": 0.1, "min_documents": 1, "max_documents": 100, "clean": False, **more,
    }  # fmt: skip
    return document_topics(keywords, store, "dense", **given)


def test_without_documents_a_topic_is_the_mean_of_its_keywords():
    topics = keyword_topics({"a": rows([1, 0], [0, 1]), "b": rows([0, -3])})
    np.testing.assert_allclose(topics.vectors, [[0.5**0.5] * 2, [0, -1]], atol=1e-6)
    np.testing.assert_allclose(topics.near, [0.5**0.5, 1], atol=1e-6)
    assert topics.names == ("a", "b") and topics.documents == (0, 0)


STORE = Stored([1, 0], [0.8, 0.6], [0, 1], [-1, 0])


@pytest.mark.parametrize(
    ("more", "documents", "direction"),
    [
        ({"offset": 0.0}, 1, [1, 0]),
        ({"offset": 0.25}, 2, [1.8, 0.6]),  # cosines 1, .8, 0 and -1
        ({"offset": 1.0}, 3, [1.8, 1.6]),
        ({"offset": 0.0, "min_documents": 2}, 2, [1.8, 0.6]),
        ({"offset": 1.0, "max_documents": 2}, 2, [1.8, 0.6]),
    ],
)
def test_the_chunks_near_to_the_keywords_are_its_vector(more, documents, direction):
    topics = made(STORE, {"a": rows([2, 0])}, **more)
    assert topics.documents == (documents,)
    np.testing.assert_allclose(topics.vectors, [unit(np.float32(direction))], atol=1e-6)
    # Of its one keyword.
    np.testing.assert_allclose(topics.near, topics.vectors[:, 0], atol=1e-6)


def test_outliers_are_cleaned_out():
    draw = np.random.default_rng(3)
    near = [[1, *draw.normal(scale=0.01, size=3)] for _ in range(40)]
    store = Stored(*near, [1, 0.9, 0, 0])
    keywords = {"a": rows([1, 0, 0, 0])}
    assert made(store, keywords, offset=1.0).documents == (41,)
    topics = made(store, keywords, offset=1.0, clean=True)
    assert topics.documents == (40,)
    assert topics.vectors[0] @ unit(np.float32([1, 0, 0, 0])) > 0.999


def test_cleaning_leaves_the_least_number():
    topics = made(STORE, {"a": rows([1, 0])}, offset=1.0, min_documents=3, clean=True)
    assert topics.documents == (3,)


def test_chunks_that_cancel_leave_the_keywords():
    topics = made(Stored([1, 0], [-1, 0]), {"a": rows([0, 1])}, offset=2.0)
    np.testing.assert_allclose(topics.vectors, [[0, 1]])
    assert topics.documents == (0,)


def test_an_empty_store_leaves_the_keywords():
    class Empty(Stored):
        def search(self, representation, queries, depth, filters=None):
            return [Candidates(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]

    topics = made(Empty([1, 0]), {"a": rows([0, 1])})
    np.testing.assert_allclose(topics.vectors, [[0, 1]])
    assert topics.documents == (0,)


def test_the_nearest_topic():
    topics = keyword_topics({"a": rows([1, 0]), "b": rows([0, 1])})
    found = topics.best(rows([3, 1], [0, 2], [0, 0], [1, 1]))
    assert [tag.topic for tag in found] == ["a", "b", None, "a"]
    assert [tag.score for tag in found] == pytest.approx([3 / 10**0.5, 1, 0, 0.5**0.5])
