"""Migrations beside writers, threads, failures and people who go on where they should not."""

import threading
from pathlib import Path

import pytest
from aligned import many
from indexing import everything, small
from other_spaces import Mixed
from pipelines import CountingEncoder

from retrievo import F, Pipeline
from retrievo.encode.space_map import MAP_FILE
from retrievo.errors import ConfigError, MismatchError, StoreError
from retrievo.migrate.place import FOLDER
from retrievo.store.local import exchange

QUERY = "copper violin and the winter garden"
pytestmark = pytest.mark.filterwarnings("ignore:fewer than 50 sentences")


def opened(folder, **parts):
    return Pipeline.open(folder / "index", **small(**parts))


def test_what_a_writer_writes_while_it_finishes_is_in_the_new_index(make):
    with make() as pipeline:
        pipeline.index(many(60))
        moving = pipeline.migrate(Mixed(), answers="old")
        moving.run()
        begun, gate = threading.Event(), threading.Event()

        def slowly():
            yield {"id": "n0", "text": "A first new one."}
            begun.set()
            gate.wait(20)
            yield {"id": "n1", "text": "A second new one."}

        reports = []
        writer = threading.Thread(target=lambda: reports.append(pipeline.index(slowly())))
        writer.start()
        assert begun.wait(20)
        ending = threading.Thread(target=moving.finish)
        ending.start()
        assert pipeline.search(QUERY), "searches do not wait for the writer"
        gate.set()
        writer.join()
        ending.join()
        assert reports[0].added == 2
        assert {"n0", "n1"} <= pipeline.store.fingerprints().keys()
        assert pipeline.passport.encoder["fingerprint"] == "mixed-1"


def test_an_exchange_that_is_decided_cannot_be_given_up(tmp_path, monkeypatch):
    with opened(tmp_path) as pipeline:
        pipeline.index(many(60))
        moving = pipeline.migrate(Mixed(), answers="old")
        with monkeypatch.context() as patched:
            patched.setattr(exchange.os, "replace", _full)
            with pytest.raises(StoreError, match="open the index again"):
                moving.finish()
        with pytest.raises(StoreError):
            moving.cancel()
    with opened(tmp_path, encoder=Mixed()) as pipeline:
        assert pipeline.store.count() and pipeline.search(QUERY)
        assert pipeline.passport.encoder["fingerprint"] == "mixed-1"


def _full(*_, **__):
    raise OSError(28, "No space left on device")


def test_a_failure_before_the_decision_leaves_all_as_it_was(tmp_path, monkeypatch):
    with opened(tmp_path) as pipeline:
        pipeline.index(many(60))
        moving = pipeline.migrate(Mixed(), force=True)
        with monkeypatch.context() as patched:
            patched.setattr(exchange, "sync_folder", _full)
            with pytest.raises(StoreError, match="call finish again"):
                moving.finish()
        assert pipeline.search(QUERY) and moving.is_complete
        moving.finish()
        assert pipeline.passport.encoder["fingerprint"] == "mixed-1"


def test_threads_that_search_a_reopened_index_go_on_with_one_migration(tmp_path):
    class Plugin:
        from retrievo import hookimpl

        @hookimpl
        def retrievo_register_encoders(self, register):
            register("counting", CountingEncoder)
            register("mixed", Mixed)

    config = tmp_path / "p.toml"
    config.write_text("format = 1\n[encoder]\nuse = 'counting'\n")
    where = {"index": tmp_path / "index", "plugins": [Plugin()]}
    with Pipeline.from_toml(config, **where) as pipeline:
        pipeline.index(many(60))
        pipeline.migrate({"use": "mixed"}, force=True)
    found = []
    with Pipeline.open(tmp_path / "index", plugins=[Plugin()]) as pipeline:
        start = threading.Barrier(6)

        def ask():
            start.wait()
            found.append(len(pipeline.search(QUERY, top_k=3)))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert found == [3] * 6


def test_a_migration_that_is_over_does_nothing_more(make):
    with make() as pipeline:
        pipeline.index(many(60))
        moving = pipeline.migrate(Mixed(), answers="old")
        moving.finish()
        for act in (moving.finish, moving.cancel, moving.run, moving.start):
            with pytest.raises(ConfigError, match="is over"):
                act()
        moving.close()
        assert "is over" in repr(moving) and pipeline.search(QUERY)


def test_a_run_after_a_stop_goes_on(make):
    with make() as pipeline:
        pipeline.index(many(60))
        moving = pipeline.migrate(Mixed(), answers="old")
        moving.stop()
        assert moving.run().added == 60


def test_a_begin_that_fails_leaves_nothing(make, monkeypatch):
    with make() as pipeline:
        pipeline.index(many(60))
        monkeypatch.setattr("retrievo.migrate.beginning.Migration", _broken)
        with pytest.raises(RuntimeError, match="broken"):
            pipeline.migrate(Mixed(), answers="old")
        monkeypatch.undo()
        path = getattr(pipeline.store, "path", None)
        assert not isinstance(path, Path) or not (path / FOLDER).exists()
        assert pipeline.search(QUERY)
        pipeline.migrate(Mixed(), answers="old").finish()


def _broken(*_):
    raise RuntimeError("broken")


def test_another_encoder_does_not_go_on_with_it(tmp_path):
    class Third(Mixed):
        def __init__(self):
            super().__init__()
            self.fingerprint = "third-1"

    with opened(tmp_path) as pipeline:
        pipeline.index(many(60))
        pipeline.migrate(Mixed(), force=True)
    with opened(tmp_path) as pipeline:
        with pytest.raises(MismatchError, match=r"mixed-1.*third-1"):
            pipeline.migrate(Third())
        with pytest.raises(ConfigError, match="was begun with answers = 'mapped'"):
            pipeline.migrate(Mixed(), answers="old")
        pipeline.migrate(Mixed()).finish()


def test_a_damaged_migration_leaves_the_index_whole(tmp_path):
    with opened(tmp_path) as pipeline:
        pipeline.index(many(60))
        before = everything(pipeline)
        pipeline.migrate(Mixed(), force=True)
    path = tmp_path / "index" / FOLDER / MAP_FILE
    kept = path.read_bytes()
    path.write_bytes(b"damaged")
    with opened(tmp_path) as pipeline:
        for _ in range(2):  # the first leaves nothing open
            with pytest.raises(StoreError, match=r"index itself is\s+whole.*--cancel"):
                pipeline.migrate(Mixed())
        assert everything(pipeline) == before
        path.write_bytes(kept)
        pipeline.migrate(Mixed()).finish()


def test_filters_hold_for_metadata_that_changes_while_it_moves(make):
    """The thread has read a document when it is edited, and writes the older state of it later."""
    items = [{**item, "metadata": {"even": at % 2 == 0}} for at, item in enumerate(many(60))]
    with make() as pipeline:
        pipeline.index(items)
        encoding, gate = threading.Event(), threading.Event()

        class Slow(Mixed):
            slow = False

            def encode_document(self, texts):
                if Slow.slow:
                    Slow.slow = False
                    encoding.set()
                    gate.wait(20)
                return super().encode_document(texts)

        moving = pipeline.migrate(Slow(), force=True)
        Slow.slow = True
        moving.start()
        assert encoding.wait(20)
        pipeline.index([{**item, "metadata": {"even": False}} for item in items])
        gate.set()
        assert moving.wait()
        assert not pipeline.search(QUERY, filters=F("even") == True)  # noqa: E712
        pipeline.delete([item["id"] for item in items[:30]])
        assert pipeline.search(QUERY, top_k=200), "and no row is missing"
        moving.finish()
        assert pipeline.store.document_count() == 30
        assert not pipeline.search(QUERY, filters=F("even") == True)  # noqa: E712


def test_sources_say_nothing_of_tenants(make):
    with make() as pipeline:
        pipeline.index(many(20), tenant="a")
        with pytest.raises(ConfigError, match="say nothing of tenants"):
            pipeline.migrate(Mixed(), answers="old", recut=True)


@pytest.mark.parametrize("sample", [-5, 0, 99])
def test_a_sample_that_is_none(make, sample):
    with make() as pipeline:
        pipeline.index(many(20))
        with pytest.raises(ConfigError, match="at least 100"):
            pipeline.migrate(Mixed(), sample=sample)
