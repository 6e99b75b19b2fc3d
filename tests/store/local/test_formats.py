"""An index of an older format becomes one of the present format, with nothing lost."""

import json
import sqlite3

import numpy as np
import pytest
from indexing import everything, small
from pipelines import documents

from retrievo import Pipeline
from retrievo.passport import FORMAT
from retrievo.store.local import formats
from retrievo.store.local.database import Database

FORMAT_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    doc INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
    metadata TEXT NOT NULL
);
CREATE TABLE chunks (
    row INTEGER PRIMARY KEY, doc INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE, start INTEGER NOT NULL, end INTEGER NOT NULL,
    token_count INTEGER NOT NULL, text TEXT NOT NULL, context TEXT NOT NULL,
    metadata TEXT, parent_start INTEGER, parent_end INTEGER
);
CREATE INDEX chunks_of_document ON chunks (doc, ordinal);
CREATE TABLE lengths (
    representation TEXT, row INTEGER, length REAL NOT NULL, PRIMARY KEY (representation, row)
) WITHOUT ROWID;
CREATE TABLE frequencies (
    representation TEXT, term INTEGER, n INTEGER NOT NULL, PRIMARY KEY (representation, term)
) WITHOUT ROWID;
CREATE TABLE totals (
    representation TEXT PRIMARY KEY, n INTEGER NOT NULL, length REAL NOT NULL, fitted_mean REAL
) WITHOUT ROWID;
CREATE TABLE pending (first INTEGER NOT NULL, past INTEGER NOT NULL);
CREATE TABLE dead (row INTEGER PRIMARY KEY);
"""
SAME = ("meta", "lengths", "frequencies", "totals", "pending", "dead")


def made_old(path):
    """The catalog as format 1 had it: the tables of that version, with the same content."""
    catalog = path / "catalog.sqlite"
    new = path / "old.sqlite"
    connection = sqlite3.connect(new)
    connection.executescript(FORMAT_1)
    connection.execute("ATTACH ? AS present", (str(catalog),))
    for table in SAME:
        connection.execute(f"INSERT INTO main.{table} SELECT * FROM present.{table}")
    connection.execute(
        "INSERT INTO main.documents SELECT doc, id, fingerprint, metadata FROM present.documents"
    )
    connection.execute(
        "INSERT INTO main.chunks SELECT row, doc, ordinal, id, start, end, token_count, text, "
        "context, metadata, parent_start, parent_end FROM present.chunks"
    )
    (text,) = connection.execute("SELECT value FROM meta WHERE key = 'passport'").fetchone()
    passport = json.dumps({**json.loads(text), "format": 1})
    connection.execute("UPDATE meta SET value = ? WHERE key = 'passport'", (passport,))
    connection.commit()
    connection.close()
    new.replace(catalog)


@pytest.fixture
def old(tmp_path):
    """The folder of an index of format 1, and what is in it."""
    path = tmp_path / "index"
    with Pipeline.open(path, **small()) as pipeline:
        pipeline.index(documents())
        pipeline.delete("moon")
        held = everything(pipeline)
        hits = [(hit.chunk.id, hit.score) for hit in pipeline.search("how long do keys live")]
    made_old(path)
    return path, held, hits


def test_a_format_1_index_is_opened_with_all_that_is_in_it(old):
    path, held, hits = old
    with Pipeline.open(path, **small()) as pipeline:
        assert pipeline.passport.format == FORMAT == 2
        assert everything(pipeline) == held
        found = pipeline.search("how long do keys live")
        assert [hit.chunk.id for hit in found] == [name for name, _ in hits]
        assert np.allclose([hit.score for hit in found], [score for _, score in hits])
        rest = [document for document in documents() if document.id != "moon"]
        assert str(pipeline.index(rest)).startswith("nothing to write")
        assert pipeline.index(documents()).added == 1
    with Pipeline.open(path, **small()) as pipeline:
        assert pipeline.store.tenanted() is False
        assert pipeline.store.health() == []


def test_a_change_of_format_that_stops_half_way_leaves_the_old_one(old, monkeypatch):
    path, held, _ = old
    monkeypatch.setattr(formats, "_COPY", formats._COPY + "INSERT INTO nowhere VALUES (1);")
    with pytest.raises(Exception, match="nowhere"):
        Pipeline.open(path, **small())
    monkeypatch.undo()
    database = Database(path / "catalog.sqlite", create=False)
    (text,) = database.all("SELECT value FROM meta WHERE key = 'passport'")[0]
    assert json.loads(text)["format"] == 1
    database.close()
    with Pipeline.open(path, **small()) as pipeline:
        assert everything(pipeline) == held
