"""Closing that goes wrong half way, and what an index says of itself to other users."""

import os

import pytest
from indexing import small
from pipelines import documents

from retrievo import Pipeline, StoreError
from retrievo.store.local import opened


def test_a_close_that_was_interrupted_can_be_done_again(tmp_path, monkeypatch):
    pipeline = Pipeline.open(tmp_path / "index", **small())
    pipeline.index(documents())

    def interrupted(path):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(opened, "release", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pipeline.close()
    pipeline.close()
    with Pipeline.open(tmp_path / "index", **small()) as again:
        assert again.store.document_count() == 4


def test_an_index_and_its_snapshot_are_as_open_as_the_user_wants(tmp_path):
    before = os.umask(0o022)
    try:
        with Pipeline.open(tmp_path / "index", **small()) as pipeline:
            pipeline.index(documents())
            pipeline.store.snapshot(tmp_path / "copy")
            with pytest.raises(StoreError, match="inside the index"):
                pipeline.store.snapshot(tmp_path / "index" / "vectors" / "copy")
    finally:
        os.umask(before)
    for made in ("index", "copy"):
        assert (tmp_path / made).stat().st_mode & 0o777 == 0o755


def test_an_index_whose_folder_went_away_says_so(tmp_path):
    with Pipeline.open(tmp_path / "index", **small()) as pipeline:
        pipeline.index(documents())
        (tmp_path / "index").rename(tmp_path / "moved")
        with pytest.raises(StoreError, match=r"not at .* any more"):
            pipeline.index(documents(bread="Rye."))
    with Pipeline.open(tmp_path / "moved", **small()) as pipeline:
        assert pipeline.store.document_count() == 4
