"""Indexes of a counting encoder that move to another one, in memory and on disk."""

import threading

import numpy as np
import pytest
from aligned import many
from indexing import everything, small
from other_spaces import Mixed, Noise
from pipelines import CountingEncoder

from retrievo import F, Pipeline, hookimpl
from retrievo.errors import ConfigError, MismatchError, StoreError
from retrievo.ingest import changes
from retrievo.migrate.place import folder_of

QUERY = "copper violin and the winter garden"
pytestmark = pytest.mark.filterwarnings("ignore:fewer than 50 sentences")


def documents(count=120):
    return [{**item, "metadata": {"even": at % 2 == 0}} for at, item in enumerate(many(count))]


def order(pipeline, **more):
    return [hit.chunk.id for hit in pipeline.search(QUERY, top_k=20, **more)]


def fresh(items, **parts):
    """What an index made with the new encoder holds, and what it answers."""
    pipeline = Pipeline(**small(encoder=Mixed(), store=Pipeline.part("store", "memory"), **parts))
    pipeline.index(items)
    return everything(pipeline), order(pipeline)


@pytest.mark.parametrize("answers", ["mapped", "old"])
def test_it_ends_as_an_index_of_the_new_encoder(make, answers):
    with make() as pipeline:
        pipeline.index(documents())
        before = order(pipeline)
        moving = pipeline.migrate(Mixed(), answers=answers, force=True)
        assert pipeline.search(QUERY), "it answers at once"
        if answers == "old":
            assert order(pipeline) == before
        assert moving.documents == (0, 120) and not moving.is_complete
        moving.finish()
        vectors, answered = fresh(documents())
        assert everything(pipeline) == vectors, "bit for bit"
        assert order(pipeline) == answered
        assert pipeline.passport.encoder["fingerprint"] == "mixed-1"
        assert pipeline.passport.notes["migrated_from"]["fingerprint"] == "counting-1"
        assert pipeline.index(documents()).kept == 120, "nothing is written again"


def test_the_index_on_disk_is_the_new_one_for_whoever_opens_it(tmp_path):
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        pipeline.index(documents())
        pipeline.migrate(Mixed(), answers="old").finish()
    with Pipeline.open(tmp_path / "index", **small(encoder=Mixed())) as pipeline:
        assert (everything(pipeline), order(pipeline)) == fresh(documents())
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        with pytest.raises(
            MismatchError, match=r"migrated to the encoder mixed .* set \[encoder\]"
        ):
            pipeline.search(QUERY)


def test_hits_say_which_space_they_come_from(make, monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 120)
    with make() as pipeline:
        pipeline.index(documents())
        moving = pipeline.migrate(Mixed(), force=True)
        [way] = {hit.trace["branches"]["dense"]["scored_by"] for hit in pipeline.search(QUERY)}
        assert way == "CountingEncoder (mapped)"
        batches = iter(range(1))
        moving._stop.is_set = lambda: next(batches, None) is None  # after one batch
        moving.run()
        del moving._stop.is_set
        assert moving.documents == (60, 120)
        ways = {}
        for hit in pipeline.search(QUERY, top_k=60):
            branch = hit.trace["branches"]["dense"]
            if branch["rank"] is not None:
                ways.setdefault(branch["scored_by"], set()).add(hit.doc_id)
        assert ways.keys() == {"CountingEncoder (mapped)", "mixed"}
        assert all(int(name[1:]) < 60 for name in ways["mixed"])
        assert all(int(name[1:]) >= 60 for name in ways["CountingEncoder (mapped)"])
        assert "by mixed" in str(pipeline.search(QUERY)[0].explain()) or "by Counting" in str(
            pipeline.search(QUERY)[0].explain()
        )
        hits = pipeline.search(QUERY, top_k=9, filters=F("even") == True)  # noqa: E712
        assert len(hits) == 9 and all(hit.metadata["even"] for hit in hits)
        for hit in hits:
            branches = hit.trace["branches"].values()
            assert hit.score == pytest.approx(sum(b["contribution"] for b in branches), abs=1e-6)
        assert pipeline.explain(QUERY, "d3").status in ("found", "beyond depth")


def test_an_encoder_that_fails_loses_nothing(make):
    with make() as pipeline:
        pipeline.index(documents())
        before = everything(pipeline)
        new = Mixed()
        moving = pipeline.migrate(new, answers="old")
        new.fail_at = new.calls
        with pytest.raises(ConnectionError):
            moving.finish()
        assert everything(pipeline) == before and order(pipeline)
        new.fail_at = None
        moving.finish()
        assert everything(pipeline) == fresh(documents())[0]


def test_it_goes_on_in_another_process(tmp_path):
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        pipeline.index(documents())
        moving = pipeline.migrate(Mixed(), force=True)
        told = moving.record
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        with pytest.raises(ConfigError, match=r"hand it over: pipeline\.migrate"):
            pipeline.search(QUERY)
        moving = pipeline.migrate(Mixed())
        assert moving.record == told
        assert {hit.trace["branches"]["dense"]["scored_by"] for hit in pipeline.search(QUERY)}
        moving.finish()
        assert everything(pipeline) == fresh(documents())[0]


def test_in_a_thread_what_queries_find_comes_first(make):
    with make() as pipeline:
        pipeline.index(documents())
        gate, seen = threading.Event(), []

        class Slow(Mixed):
            def encode_document(self, texts):
                if seen == ["begun"]:
                    gate.wait(20)
                return super().encode_document(texts)

        moving = pipeline.migrate(Slow(), force=True)
        moving._thread = threading.current_thread()  # as if it ran: hits are remembered
        hits = pipeline.search("glacier parrot", top_k=3)
        moving._thread = None
        assert {hit.doc_id for hit in hits} <= set(moving._wanted)
        seen.append("begun")
        moving.start()
        assert pipeline.search(QUERY), "it answers beside the thread"
        assert not moving.wait(timeout_s=0.01)
        gate.set()
        assert moving.wait()
        assert moving.is_complete
        order_of_rows = pipeline._migration._new_store.get(
            np.concatenate(list(pipeline._migration._new_store.scan()))[:3]
        )
        assert order_of_rows[0].doc_id in {hit.doc_id for hit in hits}
        moving.finish()
        assert {name: vector for name, (_, vector) in everything(pipeline).items()} == {
            name: vector for name, (_, vector) in fresh(documents())[0].items()
        }


def test_an_error_of_the_thread_is_raised_by_wait(make):
    with make() as pipeline:
        pipeline.index(documents())
        new = Mixed()
        moving = pipeline.migrate(new, answers="old")
        new.fail_at = new.calls
        moving.start()
        with pytest.raises(ConnectionError):
            moving.wait()
        assert moving.wait(), "it is told once"


def test_writes_meanwhile_are_in_the_new_index(make):
    with make() as pipeline:
        pipeline.index(documents(100))
        moving = pipeline.migrate(Mixed(), force=True)
        moving.run()
        assert moving.is_complete
        edited = [
            {**item, "text": "An altogether other text of copper."} if item["id"] == "d5" else item
            for item in documents(110)
        ]
        pipeline.index(edited)
        pipeline.delete(["d7", "d8"])
        assert not moving.is_complete
        assert moving.documents == (97, 108)
        found = {hit.doc_id for hit in pipeline.search(QUERY, top_k=200)}
        assert "d7" not in found and {"d5", "d105"} <= found
        moving.finish()
        wanted = [item for item in edited if item["id"] not in ("d7", "d8")]
        assert everything(pipeline).keys() == fresh(wanted)[0].keys()
        assert pipeline.index(wanted).kept == 108


def test_tenants_stay_apart(make):
    with make() as pipeline:
        pipeline.index(documents(40), tenant="a")
        pipeline.index(documents(80)[30:], tenant="b")
        moving = pipeline.migrate(Mixed(), force=True)
        ids = [hit.doc_id for hit in pipeline.search(QUERY, top_k=100, tenant="a")]
        assert {int(name[1:]) for name in ids} <= set(range(40))
        moving.finish()
        assert len({h.doc_id for h in pipeline.search(QUERY, top_k=200, tenant="b")}) == 50
        assert pipeline.store.tenanted()


def test_a_map_that_loses_too_much_is_refused(make):
    with make() as pipeline:
        pipeline.index(documents())
        before = order(pipeline)
        with pytest.raises(MismatchError, match=r"not begun.*answers = 'old'"):
            pipeline.migrate(Noise())
        assert order(pipeline) == before
        assert folder_of(getattr(pipeline.store, "path", None)) is None
        assert pipeline.migrate(Noise(), answers="old").documents == (0, 120)


def test_it_can_be_given_up(make):
    with make() as pipeline:
        pipeline.index(documents())
        before = order(pipeline)
        moving = pipeline.migrate(Mixed(), force=True)
        moving.run()
        moving.cancel()
        assert order(pipeline) == before
        assert folder_of(getattr(pipeline.store, "path", None)) is None
        pipeline.migrate(Mixed(), answers="old").finish()
        assert everything(pipeline) == fresh(documents())[0]


class Plugin:
    """Both encoders by name."""

    @hookimpl
    def retrievo_register_encoders(self, register):
        register("counting", CountingEncoder)
        register("mixed", Mixed)


TOML = """
format = 1
[encoder]
use = "counting"
[chunker]
chunk_size = 12
chunk_overlap = 0
"""


def test_by_configuration_the_index_keeps_the_new_one(tmp_path):
    (tmp_path / "p.toml").write_text(TOML)
    open_it = dict(index=tmp_path / "index", plugins=[Plugin()])
    with Pipeline.from_toml(tmp_path / "p.toml", **open_it) as pipeline:
        pipeline.index(documents())
        pipeline.migrate({"use": "mixed"}, force=True)
    with Pipeline.open(tmp_path / "index", plugins=[Plugin()]) as pipeline:
        assert {hit.trace["branches"]["dense"]["scored_by"] for hit in pipeline.search(QUERY)} == {
            "CountingEncoder (mapped)"
        }, "it goes on by itself"
        pipeline.migrate().finish()
        assert pipeline.config.tables["encoder"] == {"use": "mixed"}
        cut_by = {"use": "recursive", "chunk_size": 12, "chunk_overlap": 0, "tokenizer": "static"}
        assert pipeline.config.tables["chunker"] == cut_by, "what is written later is cut alike"
    with Pipeline.open(tmp_path / "index", plugins=[Plugin()]) as pipeline:
        assert everything(pipeline) == fresh(documents())[0]
        assert pipeline.index(documents()).kept == 120


@pytest.mark.parametrize(
    ("encoder", "options", "said"),
    [
        ("mixed", {}, "an encoder or its table"),
        (None, {}, "no migration is under way"),
        (Mixed(), {"answers": "both"}, "'mapped' or 'old'"),
        (CountingEncoder(), {}, "nothing to migrate"),
        ({"use": "nobody"}, {}, "nobody"),
    ],
)
def test_what_cannot_be_begun(make, encoder, options, said):
    with make() as pipeline:
        pipeline.index(documents(30))
        with pytest.raises(ConfigError, match=said):
            pipeline.migrate(encoder, **options)
        assert pipeline.search(QUERY)


def test_an_empty_index_a_snapshot_and_another_migration(tmp_path):
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        pipeline.index(documents(30))
        pipeline.store.snapshot(tmp_path / "copy")
        pipeline.delete([item["id"] for item in documents(30)])
        with pytest.raises(ConfigError, match="empty"):
            pipeline.migrate(Mixed())
        pipeline.index(documents(30))
        pipeline.migrate(Mixed(), answers="old")
        with pytest.raises(ConfigError, match="under way"):
            pipeline.migrate({"use": "static"})
    with Pipeline.open(tmp_path / "copy", **small()) as pipeline:
        with pytest.raises(StoreError, match="snapshot"):
            pipeline.migrate(Mixed())


def test_documents_can_be_cut_anew_from_their_sources(make):
    with make() as pipeline:
        pipeline.index(documents())
        moving = pipeline.migrate(Mixed(), answers="old", recut=True)
        with pytest.raises(ConfigError, match="give the sources"):
            moving.finish()
        with pytest.raises(StoreError, match=r"20 documents of the index are not in the sources"):
            moving.finish(sources=documents(100))
        moving.finish(sources=documents())
        assert everything(pipeline) == fresh(documents())[0]


def test_sources_go_with_recut_alone(make):
    with make() as pipeline:
        pipeline.index(documents())
        with pytest.raises(ConfigError, match="goes with answers = 'old'"):
            pipeline.migrate(Mixed(), recut=True)
        with pytest.raises(ConfigError, match="takes no sources"):
            pipeline.migrate(Mixed(), answers="old").finish(sources=documents())
