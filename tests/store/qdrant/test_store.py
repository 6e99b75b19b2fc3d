"""What is particular to the Qdrant store: its collection, its idf, its settings."""

import math
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from dying_client import DyingClient, Killed, Replacing
from qdrant_client import QdrantClient, models

from retrievo import Pipeline
from retrievo.errors import ConfigError, IndexMissingError, MismatchError, StoreError
from retrievo.filters import F, Scoped
from retrievo.store.qdrant.store import QdrantStore
from retrievo.testing.stores.samples import (
    CONFIG,
    SPACES,
    batch_of,
    cut,
    documents,
    passport_of,
    queries_of,
    sparse_rows,
)
from retrievo.types import Document

PASSPORT = passport_of(SPACES)
IDF = {**SPACES, "lexical": replace(SPACES["lexical"], idf=True)}


@pytest.fixture
def client():
    client = QdrantClient(":memory:")
    yield client
    client.close()


def opened(client, passport=PASSPORT, **settings):
    store = QdrantStore("docs", client=client, **settings)
    store.open(passport, CONFIG)
    return store


def test_the_collection_is_made_from_the_passport(client):
    opened(client, passport_of(IDF))
    config = client.get_collection("docs").config
    vectors, sparse = config.params.vectors, config.params.sparse_vectors
    assert {name: one.size for name, one in vectors.items()} == {
        "dense": 8,
        "titles": 3,
        "tokens": 4,
    }
    assert {one.distance for one in vectors.values()} == {models.Distance.DOT}
    assert vectors["dense"].multivector_config is None
    assert vectors["tokens"].multivector_config.comparator == "max_sim"
    assert sparse["lexical"].modifier == models.Modifier.IDF
    assert config.metadata["retrievo_format"] == 1


def test_layout_of_a_collection(client):
    opened(client, quantization="int8", on_disk=True)
    dense = client.get_collection("docs").config.params.vectors["dense"]
    assert dense.on_disk and dense.quantization_config.scalar.type == models.ScalarType.INT8


def test_a_collection_of_somebody_else_is_left_alone(client):
    client.create_collection("docs", {"dense": models.VectorParams(size=8, distance="Dot")})
    with pytest.raises(StoreError, match=r"'docs' .*no Retrievo index.*another `collection`"):
        opened(client)
    assert client.get_collection("docs").config.metadata is None


def test_a_collection_that_was_changed_on_the_server(client):
    opened(client)
    client.update_collection(
        "docs", sparse_vectors_config={"lexical": models.SparseVectorParams(modifier="idf")}
    )
    with pytest.raises(MismatchError, match=r"'lexical'.*changed on the server"):
        opened(client)


def test_settings_that_mean_nothing_are_refused():
    for wrong in ({"timeout_s": 0}, {"retries": -1}, {"batch_bytes": 0}, {"remember_s": -1.0}):
        with pytest.raises(ConfigError):
            QdrantStore("docs", **wrong)
    with pytest.raises(ConfigError):
        QdrantStore("")


def test_capabilities_are_what_the_settings_leave():
    server = QdrantStore("docs").capabilities
    assert {"dense", "sparse", "multi", "filter", "tenants", "idf"} < server
    assert server & {"persistent", "approximate"} == {"persistent", "approximate"}
    assert "approximate" not in QdrantStore("docs", exact=True).capabilities
    assert not {"persistent", "approximate"} & QdrantStore("docs", url=":memory:").capabilities


def test_an_index_in_memory_is_gone_with_its_store():
    store = QdrantStore("docs", url=":memory:")
    assert not store.exists()
    with pytest.raises(IndexMissingError):
        store.open(None)
    store.open(PASSPORT, CONFIG)
    store.write(batch_of(cut(documents(2)), SPACES))
    assert store.exists() and store.count() == 2
    store.close()
    assert not store.exists()
    with pytest.raises(IndexMissingError):
        store.open(None)


def test_several_representations_are_searched_in_one_request(client):
    store = opened(client)
    store.write(batch_of(cut(documents(20), 2), SPACES))
    draw = np.random.default_rng(1)
    asked = [(name, queries_of(space, 2, draw), 5) for name, space in SPACES.items()]
    for wanted in (None, F("year") >= 2020, F("lang").contains("e")):
        together = store.search_together(asked, wanted)
        for (name, queries, depth), found in zip(asked, together, strict=True):
            alone = store.search(name, queries, depth, wanted)
            for a, b in zip(found, alone, strict=True):
                assert a.rows.tolist() == b.rows.tolist() and np.array_equal(a.scores, b.scores)
    assert store.search_together([], None) == []


def test_the_same_chunk_id_of_two_tenants(client):
    store = opened(client)
    for tenant in ("acme", "other"):
        store.write(batch_of(cut(documents(2)), SPACES, tenant=tenant))
    chunk = cut(documents(1))[0][1][0].id
    mine, theirs = store.rows([chunk], "acme"), store.rows([chunk], "other")
    assert mine.tolist() != theirs.tolist() and -1 not in (*mine, *theirs)
    found = store.search("dense", np.ones((1, 8), np.float32), 9, Scoped("acme"))[0]
    assert store.tenants(found.rows) == ["acme", "acme"]


@pytest.mark.parametrize("exact_idf", [False, True])
def test_frequencies_are_read_off_the_server_s_idf(client, exact_idf):
    store = opened(client, passport_of(IDF), exact_idf=exact_idf)
    batch = batch_of(cut(documents(30), 2), IDF)
    store.write(batch)
    store.delete(["d3"])
    rows = store.vectors("lexical", np.concatenate(list(store.scan())))
    n = store.count()
    df = {i: int((rows.indices == i).sum()) for i in range(20)}
    told = store.frequencies("lexical", np.arange(20, dtype=np.uint32))
    assert told.tolist() == list(df.values())
    found = store.search("lexical", sparse_rows([{5: 2.0}]), 1)[0]
    at = dict(
        zip(*(part.tolist() for part in store.vectors("lexical", found.rows)[0]), strict=True)
    )
    idf = math.log(1 + (n - df[5] + 0.5) / (df[5] + 0.5))
    assert found.scores[0] == pytest.approx(2.0 * idf * at[5], rel=1e-5)


def test_idf_that_counts_what_is_visible(client):
    """A chunk that a dead client staged is in the server's index, and not in `exact_idf`."""
    store = opened(client, passport_of(IDF), exact_idf=True)
    values = {**batch_of(cut(documents(2)), IDF).representations}
    values["lexical"] = sparse_rows([{1: 1.0}, {2: 1.0}])
    store.write(replace(batch_of(cut(documents(2)), IDF), representations=values))
    killer = DyingClient(client, 10**6)
    dying = opened(killer, passport_of(IDF))
    killer.left = 1
    batch = batch_of(cut([Document("x", "y")]), IDF)
    with pytest.raises(Killed):
        dying.write(
            replace(
                batch, representations={**batch.representations, "lexical": sparse_rows([{1: 1.0}])}
            )
        )
    exact = store.search("lexical", sparse_rows([{1: 1.0}]), 5)[0]
    assert exact.scores.tolist() == pytest.approx([math.log(1 + 1.5 / 1.5)], rel=1e-5)
    other = opened(client, passport_of(IDF)).search("lexical", sparse_rows([{1: 1.0}]), 5)[0]
    assert other.scores.tolist() == pytest.approx([math.log(1 + 1.5 / 2.5)], rel=1e-5)


def test_changed_metadata_of_the_same_chunks_send_no_vectors(client):
    store = opened(client)
    store.write(batch_of(cut(documents(3), 2), SPACES))
    rows = store.document_rows(["d1"])[0]
    before = [client.retrieve("docs", rows.tolist(), with_vectors=True)]
    edited = Document("d1", documents(3)[1].text, {"year": 1})
    items = cut([edited], 2)
    batch = replace(batch_of([], SPACES), items=items, fingerprints=["2"], reuse=rows)
    other = opened(client)
    refused = []
    other._index.server.client = Replacing(client, upsert=refused.append)
    other.write(batch)
    assert refused == [] and store.document_rows(["d1"])[0].tolist() == rows.tolist()
    after = [client.retrieve("docs", rows.tolist(), with_vectors=True)]
    assert [p.vector for p in after[0]] == [p.vector for p in before[0]]
    assert {c.metadata["year"] for c in store.get(rows)} == {1}
    assert store.count(F("year") == 1) == 2


def test_a_pipeline_finds_what_it_finds_in_memory():
    docs = [
        Document(f"d{i}", f"{'keys' if i % 3 else 'ice'} and word{i % 5} " * 3) for i in range(20)
    ]
    here, there = Pipeline(), Pipeline(store=QdrantStore("docs", url=":memory:"))
    for pipeline in (here, there):
        pipeline.index(docs[:15])
        pipeline.index(docs[10:])
        pipeline.delete("d3")
    for text in ("keys word1", "ice", "something else"):
        found = [
            [(hit.doc_id, hit.score) for hit in p.search(text, top_k=30)] for p in (here, there)
        ]
        assert [name for name, _ in found[0]] == [name for name, _ in found[1]]
        assert [x for _, x in found[0]] == pytest.approx([x for _, x in found[1]], abs=1e-5)
    assert here.search("keys")[0].trace["branches"].keys() == {"dense", "bm25"}
