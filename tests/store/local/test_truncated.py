"""The account of what encoders cut: an index from before there was one goes on working."""

import sqlite3
from contextlib import closing

from indexing import everything, small
from shortsighted import ShortSighted

from retrievo import Document, Pipeline

LONG = "one two three four five six seven eight nine"


def short_sighted(path):
    return Pipeline.open(path, **small(encoder=ShortSighted(5)))


def change(path, sql):
    with closing(sqlite3.connect(path / "catalog.sqlite")) as connection, connection:
        connection.execute(sql)


def without_accounts(path):
    """The catalog as it was before: the same format, and no table of accounts."""
    change(path, "DROP TABLE truncated")


def accounts(pipeline):
    return {chunk.doc_id: chunk.truncated for chunk, _ in everything(pipeline).values()}


def test_an_index_from_before_is_read_and_gets_accounts_of_what_comes(tmp_path):
    with short_sighted(tmp_path / "i") as pipeline:
        pipeline.index([Document("old", LONG)])
    without_accounts(tmp_path / "i")
    with short_sighted(tmp_path / "i") as pipeline:
        assert accounts(pipeline) == {"old": None}, "nothing is known of it, and nothing guessed"
        pipeline.index([Document("new", LONG)])
        assert accounts(pipeline) == {"old": None, "new": (5, 9)}
        pipeline.delete("old")
        assert pipeline.search("one")[0].chunk.truncated == (5, 9)
    with short_sighted(tmp_path / "i") as pipeline:
        assert accounts(pipeline) == {"new": (5, 9)}
        assert pipeline.store.stats().truncated == (1, 4)
        assert pipeline.store.health() == []


def test_a_snapshot_from_before_is_read(tmp_path):
    with short_sighted(tmp_path / "i") as pipeline:
        pipeline.index([Document("old", LONG)])
        pipeline.store.snapshot(tmp_path / "s")
    without_accounts(tmp_path / "s")
    with short_sighted(tmp_path / "s") as pipeline:
        assert accounts(pipeline) == {"old": None}
        assert pipeline.search("one")[0].doc_id == "old"
        assert pipeline.store.stats().truncated is None


def test_what_an_older_version_left_of_deleted_chunks_is_not_counted(tmp_path):
    with short_sighted(tmp_path / "i") as pipeline:
        pipeline.index([Document("a", LONG)])
    change(tmp_path / "i", "INSERT INTO truncated VALUES (1000, 1, 500)")
    with short_sighted(tmp_path / "i") as pipeline:
        assert pipeline.store.stats().truncated == (1, 4)


def test_deleted_and_replaced_chunks_leave_nothing_behind(tmp_path):
    with short_sighted(tmp_path / "i") as pipeline:
        pipeline.index([Document(name, f"{name} {LONG}") for name in "abc"])
        pipeline.index([Document("a", f"a again {LONG}"), Document("b", "short")])
        pipeline.delete("c")
    with closing(sqlite3.connect(tmp_path / "i" / "catalog.sqlite")) as connection:
        rows = "SELECT count(*) FROM truncated", "SELECT count(*) FROM chunks"
        assert [connection.execute(sql).fetchone()[0] for sql in rows] == [1, 2]
