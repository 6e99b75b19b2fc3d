"""An `optimize` that is stopped: the index goes on as before, in this process and in the next."""

import json

import pytest
from killing.acts import document_of, make_small, open_index
from killing.checks import check

from retrievo.store.local.engine import Engine

NAMES = [f"d{i}" for i in range(80)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    make_small(monkeypatch.setattr)
    with open_index(tmp_path) as pipeline:
        pipeline.index([document_of(name, 0) for name in NAMES])
    return tmp_path


def thresholds(folder):
    kept = json.loads((folder / "index" / "vectors" / "edge_config.json").read_text())
    return kept["optimizers"]


class Killed(Exception):
    """Stands for a process that ends: nothing after it is done."""


def test_a_kill_in_the_middle_leaves_no_index_that_compacts_for_ever(folder, monkeypatch):
    usual = thresholds(folder)
    pipeline = open_index(folder)

    def end(self):
        monkeypatch.setattr(Engine, "_reload", lambda *arguments, **options: None)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "_compact", end)
        with pytest.raises(Killed):
            pipeline.store.optimize()
    pipeline.close()
    monkeypatch.undo()
    assert thresholds(folder) != usual, "it was not killed in the middle"
    make_small(monkeypatch.setattr)
    with open_index(folder) as again:
        check(again, {name: {0} for name in NAMES})
        assert thresholds(folder) == usual


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_while_the_engine_is_closed_opens_it_again(folder, monkeypatch, error):
    from retrievo.store.local import engine

    real, loads = engine.edge.EdgeShard, []

    class Shard:
        create = real.create

        @staticmethod
        def load(*arguments):
            loads.append(arguments)
            if len(loads) == 1:
                raise error
            return real.load(*arguments)

    usual = thresholds(folder)
    with open_index(folder) as pipeline:
        pipeline.store.count()
        monkeypatch.setattr(engine.edge, "EdgeShard", Shard)
        with pytest.raises((error, engine.StoreError)):
            pipeline.store.optimize()
        monkeypatch.setattr(engine.edge, "EdgeShard", real)
        assert len(loads) == 3, "refused, opened as it was, and told the usual again"
        assert thresholds(folder) == usual
        check(pipeline, {name: {0} for name in NAMES})
        pipeline.index([document_of(name, 1) for name in NAMES[:9]])
        check(pipeline, {name: {int(name in NAMES[:9])} for name in NAMES})
