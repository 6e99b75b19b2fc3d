"""A disk without room: told before anything is written, since the engine could not tell it."""

import os
import shutil
from collections import namedtuple

import pytest
from indexing import everything, small
from pipelines import documents

from retrievo import Pipeline, StoreError
from retrievo.store.local import folder, space

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def full(monkeypatch):
    """Leaves as many MiB free as it is told."""

    def leave(mib):
        told = Usage(2**40, 2**40, mib * 2**20)
        monkeypatch.setattr(space.shutil, "disk_usage", lambda _: told)

    return leave


def test_a_write_that_may_not_fit_is_refused_and_loses_nothing(tmp_path, full):
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        pipeline.index(documents())
        before = everything(pipeline)
        full(8)
        with pytest.raises(StoreError, match=r"has 8 MiB left.*make room, or move"):
            pipeline.index(documents(moon="Another moon altogether."))
        assert everything(pipeline) == before
        assert pipeline.delete("moon") == 1, "what makes room is not refused"
        full(1000)
        assert pipeline.index(documents(bread="Rye.")).updated == 1


def test_an_index_that_cannot_be_compacted_stays_and_says_so(tmp_path, full, monkeypatch):
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        pipeline.index(documents())
        monkeypatch.setattr(space, "compaction_bytes", lambda _: 2**40)
        monkeypatch.setattr("retrievo.store.local.maintenance.compaction_bytes", lambda _: 2**40)
        full(1000)
        report = pipeline.index(documents(bread="Rye."))
        assert report.updated == 1
        assert any("not compacted: the disk of" in line for line in report.warnings)
        with pytest.raises(StoreError, match="compacting it wants"):
            pipeline.store.optimize()
        assert pipeline.search("rye bread")


def test_what_a_killed_process_left_beside_an_index_goes_after_a_day(tmp_path, monkeypatch):
    gone, young = tmp_path / ".index.999999998.new", tmp_path / ".index.999999999.new"
    for left in (gone, young):
        left.mkdir()
    now = gone.stat().st_mtime
    os.utime(gone, (now - 2 * folder.STALE_S, now - 2 * folder.STALE_S))
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        pipeline.index(documents())
    assert not gone.exists() and young.exists()
    shutil.rmtree(young)
