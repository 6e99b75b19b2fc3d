import numpy as np
import pytest
import rank_bm25
from filled_stores import corpus

from retrievo import ConfigError
from retrievo.contracts import Batch
from retrievo.passport import Passport
from retrievo.retrieve.bm25 import Bm25Retriever
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Chunk, Document, Query


def filled(store, texts, **arguments):
    retriever = Bm25Retriever(store, **arguments)
    spaces = dict(retriever.representations)
    store.open(Passport({"fingerprint": "f", "dim": 0}, {}, "", spaces), {})
    items = [
        (Document(f"d{i}", text), [Chunk(f"d{i}", text, 0, len(text))])
        for i, text in enumerate(texts)
    ]
    fresh = np.full(len(items), -1, np.int64)
    store.write(Batch(items, ["f"] * len(items), retriever.represent(items), fresh))
    return retriever


def oracle_scores(retriever, texts, query, k1=1.2, b=0.75):
    """rank-bm25 with Lucene's idf, its constant factor k1 + 1 taken out."""
    analyse = retriever._terms.indices
    oracle = rank_bm25.BM25Okapi([analyse(text) for text in texts], k1=k1, b=b)
    n = len(texts)
    df: dict[int, int] = {}
    for counts in oracle.doc_freqs:
        for term in counts:
            df[term] = df.get(term, 0) + 1
    oracle.idf = {t: np.log(1 + (n - d + 0.5) / (d + 0.5)) for t, d in df.items()}
    return oracle.get_scores(analyse(query)) / (k1 + 1)


@pytest.mark.parametrize("make", ["memory", "local"])
@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.9, 0.4), (2.0, 0.0)])
def test_scores_equal_rank_bm25(make, k1, b, tmp_path):
    texts = corpus(200)
    store = MemoryStore() if make == "memory" else LocalStore(tmp_path / "index")
    retriever = filled(store, texts, k1=k1, b=b)
    for query in ["rotate key", "vector vector score", "heading"]:
        expected = oracle_scores(retriever, texts, query, k1, b)
        found = retriever.search([Query(query)], 200)[0]
        ids = [int(chunk.doc_id[1:]) for chunk in store.get(found.rows)]
        assert np.allclose(found.scores, expected[ids], atol=1e-5)
        assert set(ids) == set(np.flatnonzero(expected > 0).tolist())
        assert found.exhaustive == (len(ids) < 200)
    store.close()


def test_a_score_by_hand():
    # Two texts of 2 and 4 terms, mean 3; "key" is in one of two: idf = ln(1 + 1.5 / 1.5) = ln 2.
    retriever = filled(MemoryStore(), ["key vault", "token token index query"])
    found = retriever.search([Query("key")], 10)[0]
    weight = 1 / (1 + 1.2 * (1 - 0.75 + 0.75 * 2 / 3))
    assert found.scores.tolist() == pytest.approx([np.log(2) * weight])
    assert found.bound == pytest.approx(np.log(2))


def test_the_bound_is_never_passed_and_counts_only_known_words():
    texts = corpus(100)
    retriever = filled(MemoryStore(), texts)
    for query in ["key key vault", "unheardof key"]:
        found = retriever.search([Query(query)], 100)[0]
        assert found.scores.max() <= found.bound
    known = retriever.search([Query("key")], 5)[0].bound
    assert retriever.search([Query("key unheardof")], 5)[0].bound == pytest.approx(known)


def test_a_query_of_unknown_words_finds_nothing_and_has_no_bound():
    retriever = filled(MemoryStore(), corpus(10))
    found = retriever.search([Query("unheardof")], 5)[0]
    assert len(found) == 0 and found.bound == 0 and found.exhaustive


def test_many_queries_at_once_equal_one_by_one():
    retriever = filled(MemoryStore(), corpus(60))
    queries = [Query("key"), Query(""), Query("vault rotate"), Query("nothere")]
    together = retriever.search(queries, 10)
    for query, found in zip(queries, together, strict=True):
        alone = retriever.search([query], 10)[0]
        assert alone.rows.tolist() == found.rows.tolist()
        assert alone.bound == found.bound


def test_weights_are_redone_when_the_mean_length_drifts():
    store = MemoryStore()
    first = corpus(50)
    retriever = filled(store, first)
    long = [" ".join([text] * 6) for text in corpus(50, seed=1)]
    items = [
        (Document(f"d{50 + i}", t), [Chunk(f"d{50 + i}", t, 0, len(t))]) for i, t in enumerate(long)
    ]
    fresh = np.full(50, -1, np.int64)
    store.write(Batch(items, ["f"] * 50, retriever.represent(items), fresh))
    stale = retriever.search([Query("rotate key")], 100)[0]
    assert retriever.settle(store) is True
    assert retriever.settle(store) is False
    expected = oracle_scores(retriever, [*first, *long], "rotate key")
    found = retriever.search([Query("rotate key")], 100)[0]
    ids = [int(chunk.doc_id[1:]) for chunk in store.get(found.rows)]
    assert np.allclose(found.scores, expected[ids], atol=1e-5)
    assert not np.allclose(np.sort(stale.scores), np.sort(found.scores), atol=1e-3)


def test_scores_of_given_rows_equal_those_of_the_search():
    retriever = filled(MemoryStore(), corpus(40))
    found = retriever.search([Query("key vault")], 40)[0]
    assert np.allclose(retriever.score([Query("key vault")], found.rows)[0], found.scores)


@pytest.mark.parametrize("wrong", [{"k1": -1.0}, {"b": 1.5}, {"depth": 0}, {"language": "xx"}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ConfigError):
        Bm25Retriever(MemoryStore(), **wrong)
