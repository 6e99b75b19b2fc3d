"""A process that was killed while it made its index: the next one makes it."""

import pytest

from retrievo import Document, Pipeline, StoreError


@pytest.fixture(params=["an empty folder", "a folder with a file of the user's"])
def folder(request, tmp_path):
    index = tmp_path / "index"
    index.mkdir()
    if "file" in request.param:
        (index / "README.md").write_text("mine")
    return index


def without_catalog(index):
    for part in index.glob("catalog.sqlite*"):
        part.unlink()


def test_vectors_without_a_catalog_and_without_a_row_are_what_a_kill_left(folder):
    files = {path.name for path in folder.iterdir()}
    with Pipeline.open(folder) as pipeline:
        assert pipeline.index([]).added == 0
    without_catalog(folder)
    with Pipeline.open(folder) as pipeline:
        assert pipeline.index([Document("a", "text")]).added == 1
        assert pipeline.search("text")[0].doc_id == "a"
    assert files <= {path.name for path in folder.iterdir()}


def test_vectors_of_a_catalog_that_is_gone_are_kept(folder, tmp_path):
    with Pipeline.open(folder) as pipeline:
        pipeline.index([Document("a", "text")])
    catalog = (folder / "catalog.sqlite").rename(tmp_path / "elsewhere")
    with Pipeline.open(folder) as pipeline, pytest.raises(StoreError, match="restore it"):
        pipeline.index([Document("a", "text")])
    catalog.rename(folder / "catalog.sqlite")
    with Pipeline.open(folder) as pipeline:
        assert pipeline.search("text")[0].doc_id == "a" and pipeline.store.health() == []
