"""A write that is interrupted and survived: the same pipeline goes on as if it had not been."""

import pytest

from retrievo import Document, Pipeline, StoreError
from retrievo.store.local.catalog import Catalog
from retrievo.store.local.engine import Engine

MOMENTS = {
    "while the engine writes": (Engine, "upsert"),
    "before the catalog commits": (Catalog, "insert_chunks"),
    "while old rows are forgotten": (Engine, "delete"),
}


@pytest.fixture
def pipeline(tmp_path):
    with Pipeline.open(tmp_path / "index") as made:
        made.index([Document(f"d{i}", f"number {i}") for i in range(5)])
        yield made


@pytest.mark.parametrize("moment", MOMENTS)
def test_searches_go_on_after_an_interrupt(pipeline, monkeypatch, moment):
    owner, name = MOMENTS[moment]
    whole = getattr(owner, name)
    struck = []

    def strike(self, *arguments):
        whole(self, *arguments)
        if not struck:
            struck.append(1)
            raise KeyboardInterrupt

    monkeypatch.setattr(owner, name, strike)
    edited = [Document(f"d{i}", f"number {i} changed") for i in range(5)]
    with pytest.raises(KeyboardInterrupt):
        pipeline.index(edited)
    assert struck and pipeline.store.health() == []
    assert len(pipeline.search("number", top_k=50)) == 5
    assert pipeline.store.count() == pipeline.store.statistics("bm25").n == 5
    pipeline.index(edited)
    assert {hit.text for hit in pipeline.search("number", top_k=50)} == {d.text for d in edited}


def test_where_nothing_can_be_put_right_the_index_closes(pipeline, monkeypatch, tmp_path):
    def broken(self, *arguments):
        raise StoreError("the disk is gone")

    monkeypatch.setattr(Engine, "flush", broken)
    with pytest.raises(StoreError, match="the disk is gone"):
        pipeline.index([Document("new", "one more")])
    with pytest.raises(StoreError, match="closed"):
        pipeline.search("number")
    monkeypatch.undo()
    with Pipeline.open(tmp_path / "index") as again:
        assert again.store.health() == []
        assert sorted(again.store.fingerprints()) == [f"d{i}" for i in range(5)]
