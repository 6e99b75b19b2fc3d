import pytest
from pipelines import CountingEncoder, documents

from retrievo import (
    ConfigError,
    Document,
    F,
    FilterError,
    Hits,
    IndexMissingError,
    Pipeline,
    StoreError,
)
from retrievo.retrieve.bm25 import Bm25Retriever
from retrievo.store.memory.store import MemoryStore


@pytest.fixture
def pipeline():
    made = Pipeline()
    made.index(documents())
    return made


def test_the_default_pipeline_finds_what_is_meant(pipeline):
    for query, wanted in {
        "rotating API keys": "keys",
        "lunar distance to our planet": "moon",
        "baking a loaf": "bread",
        "where do secret tokens live": "vault",
    }.items():
        hits = pipeline.search(query, top_k=2)
        assert isinstance(hits, Hits) and hits[0].doc_id == wanted
        assert [hit.rank for hit in hits] == [1, 2]


def test_a_hit_is_a_slice_of_its_document_with_its_account(pipeline):
    by_id = {document.id: document for document in documents()}
    hits = pipeline.search("rotate key", top_k=10)
    assert len(hits) == 4, "min(top_k, matches) where a dense branch takes part"
    for hit in hits:
        chunk = hit.chunk
        assert by_id[hit.doc_id].text[chunk.start : chunk.end] == hit.text
        trace = hit.explain().as_dict()
        total = sum(branch["contribution"] for branch in trace["branches"].values())
        assert total == pytest.approx(hit.score, abs=1e-6) and trace["score"] == hit.score
        for branch in trace["branches"].values():
            expected = branch["normalised"] * branch["weight"]
            assert branch["contribution"] == pytest.approx(expected, abs=1e-6)
            assert (branch["rank"] is None) == (branch["score"] is None)
    assert trace["branches"]["dense"]["weight"] == pytest.approx(0.4)
    assert "bm25: rank 1" in str(hits[0].explain())
    assert set(hits.timings) >= {"dense", "bm25", "fuse", "fetch", "total"}


def test_filters_of_every_form(pipeline):
    long = {d.id for d in documents() if len(d.text) > 55}
    for wanted in (F("length") > 55, "length > 55", {"length": {"$gt": 55}}):
        assert {hit.doc_id for hit in pipeline.search("the", filters=wanted)} == long
    with pytest.raises(FilterError):
        pipeline.search("x", filters="length >")
    assert list(pipeline.search("x", filters=F("nothing") == 1)) == []


def test_many_queries_equal_one_by_one(pipeline):
    queries = ["rotate key", "", "moon", "xyzzy"]
    for query, hits in zip(queries, pipeline.search_batch(queries, top_k=3), strict=True):
        alone = pipeline.search(query, top_k=3)
        assert [h.chunk.id for h in hits] == [h.chunk.id for h in alone]
        # A product of matrices may add up in another order than one of vectors.
        assert [h.score for h in hits] == pytest.approx([h.score for h in alone], abs=1e-6)
        assert hits.query == query
    assert pipeline.search_batch([]) == []


def test_what_could_not_help_is_told(pipeline):
    assert pipeline.search("  ").warnings == ["the query is empty"]
    assert pipeline.search("xyzzy").warnings == ["bm25: no word of the query is in the index"]
    assert pipeline.search("moon").warnings == []


@pytest.mark.parametrize("top_k", [0, -1, True, 2.5, "3"])
def test_a_wrong_top_k_is_refused(pipeline, top_k):
    with pytest.raises(ValueError, match="top_k is a whole number"):
        pipeline.search("key", top_k=top_k)


@pytest.mark.parametrize("queries", ["key", [1], [None, "a"]])
def test_a_wrong_query_is_refused(pipeline, queries):
    with pytest.raises(TypeError):
        pipeline.search_batch(queries)


def test_one_hit_a_document():
    chunker = Pipeline.part("chunker", use="recursive", chunk_size=8, chunk_overlap=0)
    pipeline = Pipeline(chunker=chunker)
    pipeline.index(
        [
            Document("long", "Rotate the key now. " * 200),
            *(Document(f"d{i}", f"Another note on how to rotate keys, {i}.") for i in range(8)),
        ]
    )
    plain = pipeline.search("rotate the key", top_k=5)
    assert {hit.doc_id for hit in plain} == {"long"}
    hits = pipeline.search("rotate the key", top_k=9, per_document=True)
    assert len({hit.doc_id for hit in hits}) == len(hits) == 9
    assert (hits[0].text, hits[0].score) == (plain[0].text, plain[0].score)
    assert [hit.rank for hit in hits] == list(range(1, 10))


def test_equal_scores_are_ordered_by_chunk_id_whatever_the_order_of_indexing():
    def order(docs):
        made = Pipeline()
        made.index(docs)
        return [hit.chunk.id for hit in made.search("same text", top_k=4)]

    docs = [Document(f"d{i}", "the same text") for i in range(12)]
    assert order(docs) == order(docs[::-1]) == sorted(order(docs))


def test_explain_says_where_a_document_stands(pipeline):
    assert pipeline.explain("moon", "nobody").status == "not indexed"
    filtered = pipeline.explain("moon", "moon", filters=F("kind") == "letter")
    assert filtered.status == "filtered out"
    found = pipeline.explain("moon", "moon")
    assert (found.status, found.rank) == ("found", 1)
    assert found.as_dict()["branches"]["bm25"]["rank"] == 1
    last = pipeline.explain("moon", "bread").as_dict()
    assert last["branches"]["bm25"]["rank"] is None and last["rank"] > 1
    assert "no match, however deep" in str(pipeline.explain("moon", "bread"))


def test_explain_knows_depth():
    made = Pipeline(
        retrievers={"bm25": Bm25Retriever(store := MemoryStore(), depth=5)}, store=store
    )
    made.index([Document(f"d{i}", "key " * (40 - i)) for i in range(30)])
    ranks = [made.explain("key", f"d{i}") for i in range(30)]
    statuses = [found.status for found in ranks]
    assert statuses.count("found") == 5 and statuses.count("beyond depth") == 25
    deep = [found.branches["bm25"]["rank"] for found in ranks]
    assert sorted(deep) == list(range(1, 31))


def test_deleting(pipeline):
    assert pipeline.delete("keys") == 1
    assert pipeline.delete(["keys", "nobody"]) == 0
    assert "keys" not in {hit.doc_id for hit in pipeline.search("rotate key")}


def test_nothing_indexed_yet(tmp_path):
    for made in (Pipeline(), Pipeline.open(tmp_path / "none")):
        with pytest.raises(IndexMissingError, match=r"index"):
            made.search("x")
    assert not (tmp_path / "none").exists()


def test_an_index_is_opened_with_the_configuration_that_made_it(tmp_path):
    config = tmp_path / "pipeline.toml"
    config.write_text(
        "[chunker]\nchunk_size = 64\nchunk_overlap = 8\n"
        '[retrievers.words]\nuse = "bm25"\nk1 = 0.9\n'
    )
    with Pipeline.from_toml(config, index=tmp_path / "i") as made:
        made.index(documents())
        first = made.search("rotate key")
    with Pipeline.open(tmp_path / "i") as again:
        assert again.config.tables["chunker"] == {"chunk_size": 64, "chunk_overlap": 8}
        second = again.search("rotate key")
        assert [(h.chunk, h.score) for h in first] == [(h.chunk, h.score) for h in second]
        assert list(second[0].trace["branches"]) == ["words"]
        assert again.index(documents()).kept == 4
        again.save(tmp_path / "saved.toml")
    with Pipeline.from_toml(tmp_path / "saved.toml", index=tmp_path / "i") as third:
        assert third.search("rotate key")[0].score == first[0].score
    with pytest.raises(StoreError, match="closed"):
        again.search("rotate key")


def test_an_index_made_with_an_object_asks_for_it(tmp_path):
    with Pipeline.open(tmp_path / "i", encoder=CountingEncoder()) as made:
        made.index(documents())
        with pytest.raises(ConfigError, match="encoder were given as objects"):
            made.save(tmp_path / "x.toml")
    with pytest.raises(ConfigError, match=r"CountingEncoder.*encoder=\.\.\."):
        Pipeline.open(tmp_path / "i")
    with Pipeline.open(tmp_path / "i", encoder=CountingEncoder()) as again:
        assert again.search("rotate key")[0].doc_id == "keys"


def test_an_index_that_another_pipeline_holds(tmp_path):
    with Pipeline.open(tmp_path / "i") as made:
        made.index(documents())
        with pytest.raises(StoreError, match=r"another pipeline of this process.*close"):
            Pipeline.open(tmp_path / "i")
    with Pipeline.open(tmp_path / "i") as again:
        assert again.search("moon")


def test_a_key_that_no_document_has_is_told_with_the_nearest_that_they_have(make):
    with make() as pipeline:
        pipeline.index(documents())
        hits = pipeline.search("rotate a key", filters=F("knid") == "note")
        assert len(hits) == 0
        assert hits.warnings == ["no document has the metadata key 'knid'; did you mean 'kind'?"]
        both = pipeline.search("rotate a key", filters=(F("kind") == "note") & ~(F("year") == 1))
        assert len(both) > 0 and any("'year'" in line for line in both.warnings)
        assert not pipeline.search("rotate a key", filters=F("kind") == "note").warnings
