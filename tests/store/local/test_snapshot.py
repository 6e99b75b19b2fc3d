"""Snapshots: of one moment, read by many processes at once, never written to."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from indexing import small

from retrievo import Document, Pipeline, StoreError
from retrievo.store.local.copying import copy_sparse
from retrievo.store.local.snapshots import MARKER
from retrievo.store.local.store import LocalStore

READER = """
import json, sys
from retrievo import Pipeline
pipeline = Pipeline.open(sys.argv[1])
print("open", flush=True)
for line in sys.stdin:
    hits = pipeline.search(line.strip(), top_k=5)
    print(json.dumps([[hit.chunk.doc_id, hit.score] for hit in hits]), flush=True)
pipeline.close()
"""


def documents(first, past):
    return [
        Document(f"d{i}", f"note {i} about topic {i % 7} and word{i}") for i in range(first, past)
    ]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of our own, to see what is left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def pipeline(tmp_path, temporary):
    with Pipeline.open(tmp_path / "index", **small()) as made:
        made.index(documents(0, 30))
        made.delete(["d3"])
        yield made


def contents(folder):
    return {
        str(file.relative_to(folder)): hashlib.blake2b(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_four_processes_read_one_while_the_original_is_written(tmp_path, temporary):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(documents(0, 40))
        pipeline.store.snapshot(tmp_path / "copy")
        before = contents(tmp_path / "copy")
        right = [[hit.chunk.doc_id, hit.score] for hit in pipeline.search("word21", top_k=5)]
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READER, str(tmp_path / "copy")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(4)
        ]  # fmt: skip
        assert [reader.stdout.readline() for reader in readers] == ["open\n"] * 4
        assert len(list(temporary.glob("retrievo-snapshot-*"))) == 4
        for round_ in range(3):
            pipeline.index(
                [Document("d21", f"edited {round_}"), Document(f"new{round_}", "word21")]
            )
            for reader in readers:
                reader.stdin.write("word21\n")
                reader.stdin.flush()
            for reader in readers:
                found = json.loads(reader.stdout.readline())
                assert [name for name, _ in found] == [name for name, _ in right]
                assert np.allclose([s for _, s in found], [s for _, s in right], atol=1e-5)
        for reader in readers:
            reader.communicate()
            assert reader.returncode == 0
        assert list(temporary.iterdir()) == []
        assert contents(tmp_path / "copy") == before


def test_it_opens_where_nothing_may_be_written(tmp_path, pipeline):
    copy = tmp_path / "copy"
    pipeline.store.snapshot(copy)
    before = contents(copy)
    for place in [*copy.rglob("*"), copy]:
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        with Pipeline.open(copy, **small()) as read:
            assert read.search("word8")[0].chunk.doc_id == "d8"
            assert read.store.document_count() == 29
            assert read.search("topic", filters='doc_id == "d9"')[0].chunk.doc_id == "d9"
        assert contents(copy) == before
    finally:
        for place in [copy, *copy.rglob("*")]:
            place.chmod(0o755 if place.is_dir() else 0o644)


def test_writing_to_it_is_refused_with_the_way_out(tmp_path, pipeline):
    pipeline.store.snapshot(tmp_path / "copy")
    with Pipeline.open(tmp_path / "copy", **small()) as read:
        store = read.store
        for write in (
            lambda: read.index(documents(40, 41)),
            lambda: read.delete(["d1"]),
            lambda: store.stamp(store.passport(), {}),
            store.settle, store.optimize, store.vacuum,
            lambda: store.snapshot(tmp_path / "other"),
        ):  # fmt: skip
            with pytest.raises(StoreError, match=rf"snapshot.*remove {MARKER}"):
                write()
        assert read.search("word8")[0].chunk.doc_id == "d8"
    shutil.copytree(tmp_path / "copy", tmp_path / "own")
    (tmp_path / "own" / MARKER).unlink()
    with Pipeline.open(tmp_path / "own", **small()) as own:
        own.index(documents(30, 31))
        assert own.store.document_count() == 30


def test_it_replaces_nothing_and_leaves_nothing_half_done(tmp_path, pipeline, monkeypatch):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    with pytest.raises(StoreError, match="there is something at"):
        pipeline.store.snapshot(taken)
    assert taken.read_text() == "mine"

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("retrievo.store.local.copying.copy_sparse", full)
    with pytest.raises(StoreError, match="No space left on device"):
        pipeline.store.snapshot(tmp_path / "copy")
    assert not [place for place in tmp_path.iterdir() if "copy" in place.name]


def test_what_dead_processes_left_is_removed_and_the_living_keep_theirs(tmp_path, temporary):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(documents(0, 3))
        pipeline.store.snapshot(tmp_path / "copy")
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(tmp_path / "copy")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    store = LocalStore(tmp_path / "copy")
    try:
        assert reader.stdout.readline() == "open\n"
        (living,) = temporary.iterdir()
        store.open(None)
        assert len(list(temporary.iterdir())) == 2 and living.exists()
        store.close()
        reader.kill()
        reader.wait()
        assert living.exists()
        store.open(None)
        assert not living.exists()
    finally:
        reader.kill()
        reader.communicate()
        store.close()
    assert list(temporary.iterdir()) == []


def test_holes_stay_holes(tmp_path):
    source, target = tmp_path / "a", tmp_path / "b"
    with source.open("wb") as write:
        write.write(b"start")
        write.truncate(50 * 2**20)
        write.seek(30 * 2**20)
        write.write(b"middle")
    copy_sparse(source, target)
    assert target.stat().st_size == 50 * 2**20
    if hasattr(os.stat_result, "st_blocks"):
        assert target.stat().st_blocks * 512 < 2**20
    with target.open("rb") as read:
        assert read.read(5) == b"start"
        read.seek(30 * 2**20)
        assert read.read(7) == b"middle\0"
    with pytest.raises(FileExistsError):
        copy_sparse(source, Path(target))
