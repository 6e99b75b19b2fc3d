"""What makes the memory store the oracle of the others: scores that depend on nothing else."""

import numpy as np
import pytest
from dense_batches import batch, dense

from retrievo.errors import StoreError, TenantError
from retrievo.filters import F, scoped
from retrievo.store.memory.store import MemoryStore
from retrievo.types import SparseRows

RANDOM = np.random.default_rng(0)


def made(vectors, **settings):
    store = MemoryStore(**settings)
    store.open(dense(vectors.shape[1]), {})
    store.write(batch(vectors, metadata=lambda i: {"part": i % 20, "half": i % 2}))
    return store


@pytest.fixture(scope="module")
def vectors():
    return RANDOM.normal(size=(2000, 31)).astype(np.float32)


@pytest.fixture(scope="module")
def queries():
    return RANDOM.normal(size=(40, 31)).astype(np.float32)


def test_a_score_is_the_same_alone_in_a_batch_and_filtered(vectors, queries):
    store = made(vectors)
    together = store.search("dense", queries, 30)
    for i, found in enumerate(together):
        alone = store.search("dense", queries[i : i + 1], 30)[0]
        assert alone.rows.tolist() == found.rows.tolist()
        assert alone.scores.tolist() == found.scores.tolist()
        assert store.score("dense", queries[i : i + 1], found.rows)[0].tolist() == (
            found.scores.tolist()
        )
    for wanted in (F("part") == 3, F("half") == 1):
        number = wanted.value
        key = wanted.key
        whole = store.search("dense", queries[:1], 2000)[0]
        right = [row for row in whole.rows.tolist() if row % {"part": 20, "half": 2}[key] == number]
        score = dict(zip(whole.rows.tolist(), whole.scores.tolist(), strict=True))
        found = store.search("dense", queries[:1], 2000, wanted)[0]
        assert found.rows.tolist() == right
        assert found.scores.tolist() == [score[row] for row in right]


def test_equal_vectors_score_equally_and_come_in_the_order_of_rows(queries):
    one = RANDOM.normal(size=(1, 31)).astype(np.float32)
    store = made(np.repeat(one, 1003, axis=0))
    for depth in (1, 7, 500, 1003):
        found = store.search("dense", queries[:1], depth)[0]
        assert found.rows.tolist() == list(range(depth))
        assert len(set(found.scores.tolist())) == 1


def test_vectors_whose_products_overflow_still_come_back():
    store = made(np.array([[3e38, 3e38], [-3e38, -3e38], [1, 1], [3e38, -3e38]], np.float32))
    found = store.search("dense", np.array([[3e38, 3e38]], np.float32), 4)[0]
    assert sorted(found.rows.tolist()) == [0, 1, 2, 3] and found.rows[0] == 0
    assert len(store.search("dense", np.array([[3e38, 3e38]], np.float32), 2)[0]) == 2


def test_what_does_not_fit_is_refused(vectors):
    store = made(vectors)
    with pytest.raises(StoreError, match="7 numbers"):
        store.search("dense", np.ones((1, 7), np.float32), 3)
    sparse = SparseRows(np.zeros(2, np.int64), np.empty(0, np.uint32), np.empty(0, np.float32))
    with pytest.raises(StoreError, match="a sparse query"):
        store.search("dense", sparse, 3)
    with pytest.raises(StoreError, match="no representation 'lexical'"):
        store.search("lexical", sparse, 3)


def test_the_same_ids_of_two_tenants_are_different():
    store = MemoryStore()
    store.open(dense(2), {})
    assert store.tenanted() is None
    store.write(batch(np.array([[1, 0], [0, 1]], np.float32), tenant="a"))
    store.write(batch(np.array([[2, 0]], np.float32), tenant="b"))
    assert store.tenanted() is True and store.stats().tenants == 2
    chunk = store.get(np.array([0]))[0]
    assert store.rows([chunk.id], "a").tolist() == [0]
    assert store.rows([chunk.id], "b").tolist() == [2]
    assert store.rows([chunk.id], "nobody").tolist() == [-1]
    assert store.document_numbers(np.array([0, 1, 2])).tolist() == [0, 1, 2]
    assert store.tenants(np.array([2, 0])) == ["b", "a"]
    query = np.array([[1, 1]], np.float32)
    assert store.search("dense", query, 9, scoped(None, "a"))[0].rows.tolist() == [0, 1]
    only = scoped(F("doc_id") == "d0", "b")
    assert store.search("dense", query, 9, only)[0].rows.tolist() == [2]
    assert store.count() == 3 and store.count(only) == 1
    for ask in (lambda: store.search("dense", query, 9), lambda: store.delete(["d0"])):
        with pytest.raises(TenantError):
            ask()
    assert store.delete(["d0", "d1"], "b") == 1 and store.count() == 2
    # The last document gone, the index is as it was made.
    assert store.delete(["d0", "d1"], "a") == 2 and store.tenanted() is None
    store.write(batch(np.ones((1, 2), np.float32)))
    assert store.tenanted() is False and store.tenants(np.array([3])) == [None]
