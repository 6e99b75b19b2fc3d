"""Indexes that are damaged, half there, of another format, or on a disk that is full."""

import json
import sqlite3
import subprocess
import sys

import pytest

from retrievo import Document, MismatchError, Pipeline, StoreError


@pytest.fixture
def index(tmp_path):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index([Document(f"d{i}", f"text {i}") for i in range(5)])
    return tmp_path / "index"


def test_a_catalog_that_is_not_one(index):
    (index / "catalog.sqlite").write_bytes(b"not a database" * 1000)
    for rest in index.glob("catalog.sqlite-*"):
        rest.unlink()
    with pytest.raises(StoreError, match=r"catalog\.sqlite is damaged.*restore it from a copy"):
        Pipeline.open(index)


def test_an_empty_catalog(index):
    (index / "catalog.sqlite").write_bytes(b"")
    for rest in index.glob("catalog.sqlite-*"):
        rest.unlink()
    with pytest.raises(StoreError, match="catalog"):
        Pipeline.open(index)


def test_vectors_that_are_gone(index):
    import shutil

    shutil.rmtree(index / "vectors")
    with pytest.raises(StoreError, match="vectors"):
        Pipeline.open(index)


def test_a_catalog_that_is_gone_is_not_silently_made_anew(index):
    for part in index.glob("catalog.sqlite*"):
        part.unlink()
    with Pipeline.open(index) as pipeline, pytest.raises(StoreError, match="restore it"):
        pipeline.index([Document("a", "text")])


def test_another_format_is_refused(index):
    connection = sqlite3.connect(index / "catalog.sqlite")
    (text,) = connection.execute("SELECT value FROM meta WHERE key = 'passport'").fetchone()
    passport = {**json.loads(text), "format": 99}
    connection.execute("UPDATE meta SET value = ? WHERE key = 'passport'", (json.dumps(passport),))
    connection.commit()
    connection.close()
    with pytest.raises(MismatchError, match=r"format 99.*knows 1 to 2"):
        Pipeline.open(index)


def test_a_file_in_the_place_of_the_index(tmp_path):
    (tmp_path / "index").write_text("I am a file")
    with Pipeline.open(tmp_path / "index") as pipeline, pytest.raises(StoreError, match="a folder"):
        pipeline.index([Document("a", "text")])


FULL_DISK = """
import resource, signal, sys
from retrievo import Document, Pipeline, StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
pipeline = Pipeline.open(sys.argv[1])
pipeline.store
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    pipeline.index([Document(f"new{i}", f"long text {i} " * 400) for i in range(300)])
except StoreError as error:
    print("told:", error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_a_disk_that_is_full_is_told_and_loses_nothing(index):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, index], capture_output=True, text=True, check=False
    )
    assert "told:" in done.stdout, done.stderr
    with Pipeline.open(index) as pipeline:
        assert pipeline.store.health() == []
        for i in range(5):
            assert pipeline.search(f"text {i}", top_k=300)
        ids = set(pipeline.store.fingerprints())
        assert {f"d{i}" for i in range(5)} <= ids


FORKED = """
import os, sys
from retrievo import Pipeline, StoreError
pipeline = Pipeline.open(sys.argv[1])
assert pipeline.search("text 1")
child = os.fork()
if child == 0:
    try:
        pipeline.search("text 1")
    except StoreError as error:
        os._exit(7 if "forked" in str(error) else 8)
    os._exit(9)
_, status = os.waitpid(child, 0)
assert pipeline.search("text 1")
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system has no fork")
def test_a_forked_child_is_told_to_open_the_index_itself(index):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, index],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.strip() == "7", done.stderr
