import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from indexing import everything, small
from pipelines import TEXTS, CountingEncoder, documents

from retrievo import (
    ConfigError,
    Document,
    MismatchError,
    Pipeline,
    UnknownNameError,
    hookimpl,
)


def test_a_second_run_writes_nothing(make):
    with make() as pipeline:
        first = pipeline.index(documents())
        assert (first.added, first.updated, first.kept) == (4, 0, 0)
        assert first.chunks_written == pipeline.store.count() > 4
        before = everything(pipeline)
        encoder = pipeline._given["encoder"]
        encoder.encoded.clear()
        again = pipeline.index(documents())
        assert (again.added, again.updated, again.kept) == (0, 0, 4)
        assert (again.chunks_written, again.chunks_deleted) == (0, 0)
        assert again.chunks_kept == len(before)
        assert encoder.encoded == []
        assert everything(pipeline) == before
        assert "nothing to write" in str(again)


def test_an_edit_encodes_only_the_chunks_that_changed(make):
    with make() as pipeline:
        pipeline.index(documents())
        encoder = pipeline._given["encoder"]
        encoder.encoded.clear()
        edited = TEXTS["bread"].replace("hot oven", "cold cellar")
        report = pipeline.index(documents(bread=edited))
        assert (report.added, report.updated, report.kept) == (0, 1, 3)
        assert report.chunks_written == len(encoder.encoded) == 1
        assert "cold cellar" in encoder.encoded[0]
        assert report.chunks_deleted == 1
        texts = [chunk.text for chunk, _ in everything(pipeline).values()]
        assert not any("hot oven" in text for text in texts), "nothing stale may stay"


def test_an_edited_index_equals_a_fresh_one(make, tmp_path):
    with make() as pipeline:
        pipeline.index(documents())
        pipeline.index(documents(bread="Rye.", moon=f"News. {TEXTS['moon']}"))
        pipeline.delete("keys")
        edited = everything(pipeline)
    fresh = Pipeline(**small())
    changed = documents(bread="Rye.", moon=f"News. {TEXTS['moon']}")
    fresh.index([document for document in changed if document.id != "keys"])
    assert everything(fresh) == edited


def test_metadata_alone_is_updated_without_encoding(make):
    with make() as pipeline:
        pipeline.index([Document("a", "some text", {"year": 2020})])
        pipeline._given["encoder"].encoded.clear()
        report = pipeline.index([Document("a", "some text", {"year": 2021})])
        assert (report.updated, report.chunks_written, report.chunks_kept) == (1, 0, 1)
        assert pipeline._given["encoder"].encoded == []
        assert pipeline.search("some", filters={"year": 2021})[0].metadata == {"year": 2021}
        assert len(pipeline.search("some", filters={"year": 2020})) == 0


def test_a_plan_tells_and_does_nothing(make, tmp_path):
    with make() as pipeline:
        plan = pipeline.plan(documents())
        assert (len(plan.added), plan.updated, plan.kept) == (4, (), ())
        assert plan.chunks_to_encode > 4 and plan.tokens_to_encode > 30
        assert not (tmp_path / "index").exists()
        pipeline.index(documents())
        plan = pipeline.plan(documents(moon="The moon is new."))
        assert (plan.added, plan.updated) == ((), ("moon",))
        assert set(plan.kept) == {"keys", "vault", "bread"}
        assert pipeline.search("moon", top_k=1)[0].text != "The moon is new."
        assert plan.as_dict()["documents"]["update"] == ["moon"]


def test_two_retrievers_must_not_keep_the_same_representation(tmp_path):
    config = tmp_path / "p.toml"
    config.write_text(
        '[retrievers.en]\nuse = "bm25"\n[retrievers.de]\nuse = "bm25"\nlanguage = "german"\n'
    )
    with pytest.raises(ConfigError, match=r"retrievers\.en.*retrievers\.de.*'bm25'.*its own|own"):
        Pipeline.from_toml(config).index(documents())
    config.write_text(config.read_text() + 'representation = "bm25-de"\n')
    pipeline = Pipeline.from_toml(config)
    pipeline.index([Document("katze", "Die Katzen schlafen."), Document("cat", "Cats sleep.")])
    assert pipeline.search("katze")[0].doc_id == "katze"
    assert pipeline.search("cat")[0].doc_id == "cat"


def test_another_encoder_is_refused(tmp_path):
    with Pipeline.open(tmp_path / "i", **small()) as pipeline:
        pipeline.index(documents())
    for act in (lambda p: p.search("key"), lambda p: p.index(documents())):
        other = small(encoder=CountingEncoder("counting-2"))
        with Pipeline.open(tmp_path / "i", **other) as pipeline:
            with pytest.raises(MismatchError, match=r"counting|CountingEncoder.*encoder that made"):
                act(pipeline)


def test_another_chunker_may_search_and_not_write(tmp_path):
    with Pipeline.open(tmp_path / "i", **small()) as pipeline:
        pipeline.index(documents())
    other = Pipeline.part("chunker", use="recursive", chunk_size=99, chunk_overlap=0)
    with Pipeline.open(tmp_path / "i", **small(chunker=other)) as pipeline:
        assert len(pipeline.search("key"))
        with pytest.raises(MismatchError, match=r"chunk_size = 12.*99"):
            pipeline.index(documents())


def test_an_encoder_that_was_trained_anew_under_its_name_is_noticed(tmp_path):
    class Plugin:
        fingerprint = "first"

        @staticmethod
        def make():
            return CountingEncoder(Plugin.fingerprint)

        @hookimpl
        def retrievo_register_encoders(self, register):
            register("counting", Plugin.make)

    config = tmp_path / "p.toml"
    config.write_text('[encoder]\nuse = "counting"\n')
    with Pipeline.from_toml(config, index=tmp_path / "i", plugins=[Plugin()]) as pipeline:
        pipeline.index(documents())
    Plugin.fingerprint = "second"
    for _ in range(2):
        with Pipeline.open(tmp_path / "i", plugins=[Plugin()]) as pipeline:
            assert pipeline.store.count() > 0, "looking at an index loads no encoder"
            with pytest.raises(MismatchError, match="encoder that made it"):
                pipeline.search("key")
    with pytest.raises(UnknownNameError, match="counting"):
        Pipeline.open(tmp_path / "i")
    Plugin.fingerprint = "first"
    with Pipeline.open(tmp_path / "i", plugins=[Plugin()]) as pipeline:
        assert len(pipeline.search("key")), "the failed opening has let go of the index"


def test_other_bm25_settings_are_refused(tmp_path):
    with Pipeline.open(tmp_path / "i") as pipeline:
        pipeline.index(documents())
    config = tmp_path / "p.toml"
    for changed in ('language = "german"', "k1 = 0.9", 'stop_words = ["key"]'):
        config.write_text(f"[retrievers.dense]\n[retrievers.bm25]\n{changed}\n")
        with Pipeline.from_toml(config, index=tmp_path / "i") as pipeline:
            for act in (lambda p: p.search("key"), lambda p: p.index(documents())):
                with pytest.raises(MismatchError, match=r"english.*index into another folder"):
                    act(pipeline)


def test_progress_counts_up(make):
    seen = []
    with make() as pipeline:
        pipeline.index(documents(), progress=seen.append)
    assert seen[-1].stage == "done" and seen[-1].documents == seen[-1].total == 4
    assert [p.chunks for p in seen] == sorted(p.chunks for p in seen)


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abc"), st.text("xy. ", max_size=60)),
        st.tuples(st.just("delete"), st.sampled_from("abc"), st.just("")),
    ),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(EDITS)
def test_any_edits_end_where_a_fresh_index_would(edits):
    pipeline = Pipeline(**small())
    pipeline.index([])
    state = {}
    for action, name, text in edits:
        if action == "put":
            state[name] = text
            pipeline.index([Document(name, text)])
        else:
            state.pop(name, None)
            pipeline.delete([name])
    fresh = Pipeline(**small())
    fresh.index([Document(name, text) for name, text in state.items()])
    assert everything(pipeline) == everything(fresh)
    assert pipeline.store.statistics("bm25").n == fresh.store.statistics("bm25").n


def test_other_weights_stay_with_the_index_that_was_written_with_them(tmp_path):
    with Pipeline.open(tmp_path / "i") as pipeline:
        pipeline.index(documents())
    config = tmp_path / "p.toml"
    config.write_text("[fusion]\nweights = {dense = 0.9, bm25 = 0.1}\n")
    with Pipeline.from_toml(config, index=tmp_path / "i") as pipeline:
        assert pipeline.index(documents()).kept == 4
    with Pipeline.open(tmp_path / "i") as pipeline:
        trace = pipeline.search("rotate key")[0].trace
        assert trace["branches"]["dense"]["weight"] == pytest.approx(0.9)
