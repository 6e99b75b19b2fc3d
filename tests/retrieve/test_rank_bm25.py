"""The package's own numbers, through a store."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import rank_bm25
from filled_stores import corpus, fill
from pipelines import CountingEncoder

from retrievo import Document, F, Pipeline
from retrievo.errors import ConfigError, TenantError
from retrievo.retrieve.bm25 import Bm25Retriever
from retrievo.retrieve.rank_bm25 import RankBm25Retriever
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Query

CLASSES = {
    "okapi": rank_bm25.BM25Okapi, "l": rank_bm25.BM25L, "plus": rank_bm25.BM25Plus
}  # fmt: skip


@pytest.fixture(params=["memory", "local"])
def store(request, tmp_path):
    yield MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")


def passages(n):
    """Abstracts of scifact where they are, else texts of a Zipf-like vocabulary."""
    data = os.environ.get("RETRIEVO_DATA")
    here = Path(data) if data else Path(__file__).parents[3] / "shared/data"
    file = here / "scifact/corpus.jsonl"
    if file.is_file():
        lines = file.read_text(encoding="utf-8").splitlines()[:n]
        return [json.loads(line)["text"] for line in lines]
    draw = np.random.default_rng(0)
    share = 1 / np.arange(1, 20_001)
    words = np.array([f"word{i}" for i in range(20_000)])
    sizes = draw.integers(5, 200, size=n)
    return [" ".join(draw.choice(words, size=size, p=share / share.sum())) for size in sizes]


def test_bm25_equals_rank_bm25_under_the_same_formula_on_5000_passages():
    texts, store = passages(5_000), MemoryStore()
    assert len(texts) == 5_000
    retriever = fill(store, Bm25Retriever(store), [(text, {}) for text in texts])
    analyse = retriever._terms.indices
    oracle = rank_bm25.BM25Okapi([analyse(text) for text in texts], k1=1.2, b=0.75)
    df = {}
    for counts in oracle.doc_freqs:
        for term in counts:
            df[term] = df.get(term, 0) + 1
    # Lucene's idf in the place of the package's, and without its constant factor k1 + 1.
    oracle.idf = {t: np.log(1 + (5_000 - d + 0.5) / (d + 0.5)) for t, d in df.items()}
    for text in texts[::500]:
        query = " ".join(text.split()[:12])
        wanted = oracle.get_scores(analyse(query)) / 2.2
        [found] = retriever.search([Query(query)], 5_000)
        places = [int(chunk.doc_id[1:]) for chunk in store.get(found.rows)]
        assert len(found) == (wanted > 0).sum() > 0
        assert np.abs(found.scores - wanted[places]).max() < 1e-4


@pytest.mark.parametrize("variant", CLASSES)
def test_scores_are_the_packages(store, variant):
    texts = corpus(80)
    retriever = RankBm25Retriever(store, variant=variant)
    fill(store, retriever, [(text, {}) for text in texts])
    analyse = retriever._analysis.terms[0].indices
    oracle = CLASSES[variant]([analyse(text) for text in texts])
    for text in ["rotate key", "vector vector score", "heading unheardof"]:
        [found] = retriever.search([Query(text)], 100)
        places = [int(chunk.doc_id[1:]) for chunk in store.get(found.rows)]
        wanted = oracle.get_scores(analyse(text))
        assert np.allclose(found.scores, wanted[places], atol=1e-5)
        have = [i for i, other in enumerate(texts) if set(analyse(other)) & set(analyse(text))]
        assert sorted(places) == have and found.exhaustive
        assert (np.diff(found.scores) <= 0).all()
        assert found.bound is None if variant == "l" else found.scores.max() <= found.bound
        [again] = retriever.score([Query(text)], found.rows)
        assert np.array_equal(again, found.scores)
        [few] = retriever.search([Query(text)], 3)
        assert np.array_equal(few.rows, found.rows[:3]) and not few.exhaustive


def test_it_keeps_nothing_and_follows_what_changes(store):
    retriever = RankBm25Retriever(store)
    assert retriever.representations == {} and retriever.represent([]) == {}
    with Pipeline(
        encoder=CountingEncoder(),
        store=store,
        retrievers={"rank": retriever, "bm25": Bm25Retriever(store)},
    ) as pipeline:
        pipeline.index([Document("a", "moon river", {"n": 1}), Document("b", "bread oven")])

        def found(query, **more):
            return sorted(hit.doc_id for hit in pipeline.search(query, **more))

        assert found("moon") == ["a"]
        pipeline.index([Document("c", "moon", {"n": 2}), Document("b", "bread of the moon")])
        assert found("moon") == ["a", "b", "c"] and found("oven") == []
        assert found("moon", filters=F("n") >= 1) == ["a", "c"]
        pipeline.index([Document("a", "moon river", {"n": 0})])  # its metadata alone
        assert found("moon", filters=F("n") >= 1) == ["c"]
        pipeline.delete(["a", "c"])
        assert found("moon") == ["b"]


def test_tenants_see_their_own(store):
    retriever = RankBm25Retriever(store)
    with Pipeline(
        encoder=CountingEncoder(),
        store=store,
        retrievers={"rank": retriever, "bm25": Bm25Retriever(store)},
    ) as pipeline:
        for number in range(12):  # more than are held at once
            pipeline.index([Document("d", f"moon number{number}")], tenant=f"t{number}")
        for number in [*range(12), 3]:
            hits = pipeline.search("moon", tenant=f"t{number}")
            assert [hit.text for hit in hits] == [f"moon number{number}"]
        with pytest.raises(TenantError):
            retriever.search([Query("moon")], 5)
        rows = np.concatenate(list(store.scan()))
        assert len(retriever.score([Query("number7")], rows)[0].nonzero()[0]) == 1


def test_added_words(store):
    retriever = RankBm25Retriever(store)
    texts = [("key vault", {}), ("token vault", {}), ("moon", {}), ("river", {})]
    fill(store, retriever, texts)
    [plain] = retriever.search([Query("token")], 5)
    [added] = retriever.search([Query("key", terms={"token": 0.5})], 5)
    assert added.scores[1] == pytest.approx(plain.scores[0] / 2) and len(added) == 2


def test_nothing_to_find(store):
    retriever = RankBm25Retriever(store)
    fill(store, retriever, [])
    [found] = retriever.search([Query("key")], 5)
    assert len(found) == 0 and found.exhaustive
    fill(store, retriever, [("", {}), ("the", {})], opened=True)
    [found] = retriever.search([Query("key")], 5)
    assert len(found) == 0 and found.exhaustive
    assert not retriever.score([Query("key")], np.concatenate(list(store.scan())))[0].any()


@pytest.mark.parametrize("wrong", [{"k1": -1.0}, {"b": 1.5}, {"depth": 0}, {"variant": "x"}])
def test_wrong_arguments(wrong):
    with pytest.raises(ConfigError):
        RankBm25Retriever(MemoryStore(), **wrong)
