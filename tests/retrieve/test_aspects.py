"""Branches of one field each, and queries that are moved: numbers by numpy."""

import numpy as np
import pytest
from pipelines import CountingEncoder

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, SearchError
from retrievo.retrieve.dense import DenseRetriever
from retrievo.retrieve.steering import STRENGTH, steered
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Query

DOCUMENTS = [
    Document("a", "moon river", {"topic": {"name": "bread"}, "tags": ["oven", "salt"]}, "Keys"),
    Document("b", "bread oven", {"topic": {"name": "moon"}}, "Vault"),
    Document("c", "a token", {}, ""),
]


@pytest.fixture(params=["memory", "local"])
def store(request, tmp_path):
    yield MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")


def test_each_branch_encodes_its_field(store):
    encoder = CountingEncoder()
    fields = {"topic": "topic.name", "title": "title", "tags": "tags"}
    branches = {name: DenseRetriever(encoder, store, field=f) for name, f in fields.items()}
    branches["text"] = DenseRetriever(encoder, store)
    with Pipeline(encoder=encoder, store=store, retrievers=branches) as pipeline:
        pipeline.index(DOCUMENTS)
        told = {
            name: str(space)
            for branch in branches.values()
            for name, space in branch.representations.items()
        }
        assert told == {
            "dense": "dense 26",
            "dense-topic.name": "dense 26 field topic.name",
            "dense-title": "dense 26 field title",
            "dense-tags": "dense 26 field tags",
        }
        rows = np.concatenate(list(store.scan()))
        names = [chunk.doc_id for chunk in store.get(rows)]
        wanted = {
            "dense-topic.name": {"a": "bread", "b": "moon", "c": ""},
            "dense-title": {"a": "Keys", "b": "Vault", "c": ""},
            "dense-tags": {"a": "oven, salt", "b": "", "c": ""},
        }
        for name, texts in wanted.items():
            right = encoder.encode_query([texts[one] for one in names])
            assert np.allclose(store.vectors(name, rows), right, atol=1e-6)
        [found] = branches["topic"].search([Query("moon")], 1)
        assert store.get(found.rows)[0].doc_id == "b" and found.bound == 1
        [again] = branches["topic"].score([Query("moon")], found.rows)
        assert np.allclose(again, found.scores)


def unit(*numbers):
    vector = np.array(numbers, np.float32)
    return vector / np.linalg.norm(vector)


def test_arithmetic_by_hand():
    v, more, less = unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1)
    known = {"m": more, "l": less}

    def encode(texts):
        return np.array([known[text] for text in texts])

    queries = [Query("q"), Query("q", steer=[("more", "m")]),
               Query("q", steer=[("more", "m"), ("less", "l"), ("less", "l")])]  # fmt: skip
    made = steered(np.stack([v, v, 2 * v]), queries, encode, 0.5)
    wanted = np.stack([v, unit(1, 0.5, 0), 2 * unit(2, 0.5, -1)])
    assert np.allclose(made, wanted, atol=1e-6)
    assert unit(1, STRENGTH, 0) @ v == pytest.approx(0.894, abs=1e-3)


def test_nothing_left_stays_as_it_was():
    v = unit(1, 0)[None]
    made = steered(v, [Query("q", steer=[("less", "q")])], lambda texts: v, 1.0)
    assert np.array_equal(made, v)


def test_a_search_is_steered_and_the_plain_vector_kept(store):
    encoder = CountingEncoder()
    retriever = DenseRetriever(encoder, store)
    with Pipeline(encoder=encoder, store=store, retrievers={"dense": retriever}) as pipeline:
        pipeline.index(DOCUMENTS)
        query = Query("moon", steer=[("more", "bread oven"), ("less", "river")])
        [found] = retriever.search([query], 10)
        moon, bread, river = encoder.encode_query(["moon", "bread oven", "river"])
        moved = moon + STRENGTH * (bread - river)
        documents = encoder.encode_query([c.indexed_text for c in store.get(found.rows)])
        wanted = documents @ (moved / np.linalg.norm(moved))
        assert np.allclose(found.scores, wanted, atol=1e-5) and found.bound == 1
        assert np.allclose(query.vectors["dense"], moon, atol=1e-6)
        assert np.allclose(retriever.score([query], found.rows)[0], found.scores, atol=1e-5)
        [plain] = retriever.search([Query("moon")], 10)
        assert plain.scores.tolist() != found.scores.tolist()


class Student(CountingEncoder):
    """Like its teacher, but that it sees no vowels."""

    def encode_query(self, texts):
        return super().encode_query(["".join(c for c in t if c not in "aeiou") for t in texts])


@pytest.mark.parametrize("when", ["always", "unsure"])
@pytest.mark.parametrize("steer", [(), [("more", "river")]])
def test_a_row_that_is_scored_afterwards_is_on_the_scale_of_the_search(store, when, steer):
    encoder = CountingEncoder()
    more = {"rescore_when": "unsure", "rescore_margin": 0.2} if when == "unsure" else {}
    retriever = DenseRetriever(
        encoder, store, query_encoder=Student(), rescore="teacher", depth=2, **more
    )
    with Pipeline(encoder=encoder, store=store, retrievers={"dense": retriever}) as pipeline:
        pipeline.index(DOCUMENTS)
        rows = np.concatenate(list(store.scan()))
        for text in ["moon river", "bread", "a token of rivers"]:
            query = Query(text, steer=steer)
            [found] = retriever.search([query], 3)
            for asked in (query, Query(text, steer=steer)):
                [scores] = retriever.score([asked], rows)
                of = dict(zip(rows.tolist(), scores.tolist(), strict=True))
                assert [of[row] for row in found.rows.tolist()] == pytest.approx(
                    found.scores.tolist(), abs=1e-5
                )


def test_wrong_arguments():
    encoder = CountingEncoder()
    for wrong in ({"field": ""}, {"field": "x", "context": "late"}, {"steer_strength": -1}):
        with pytest.raises(ConfigError):
            DenseRetriever(encoder, MemoryStore(), **wrong)
    with pytest.raises(SearchError, match="'more' or 'less'"):
        DenseRetriever(encoder, MemoryStore()).prepare([Query("q", steer=[("most", "x")])])
