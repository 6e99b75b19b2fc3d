"""An index put in the place of another, killed at each of its steps."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from indexing import everything, small
from pipelines import CountingEncoder, documents

from retrievo import Pipeline
from retrievo.errors import IndexLockedError, StoreError
from retrievo.store.local import exchange
from retrievo.store.local.copying import copy_folder
from retrievo.store.local.store import LocalStore


class Turned(CountingEncoder):
    """Another space of the same size."""

    def __init__(self):
        super().__init__("turned-1")

    def _encode(self, texts):
        return np.roll(super()._encode(texts), 3, axis=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An index, and in it the closed one that shall take its place; what each holds."""
    folder = tmp_path_factory.mktemp("made") / "index"
    with Pipeline.open(folder, **small()) as old:
        old.index(documents())
        before = everything(old)
    with Pipeline.open(folder / "migration" / "index", **small(encoder=Turned())) as new:
        new.index(documents())
        after = everything(new)
    assert before.keys() == after.keys() and before != after
    return folder, before, after


@pytest.fixture
def two(made, tmp_path):
    """A copy of it, and what each holds."""
    folder, before, after = made
    copy_folder(folder, tmp_path / "index")
    return before, after


def held(folder):
    store = LocalStore(folder)
    store.open(None)
    try:
        found = {}
        for rows in store.scan():
            vectors = np.asarray(store.vectors("dense", rows))
            for chunk, vector in zip(store.get(rows), vectors, strict=True):
                found[chunk.id] = (chunk, vector.tobytes())
        assert not store.health()
        return store.passport().encoder["fingerprint"], found
    finally:
        store.close()


def test_an_open_store_is_the_new_index_afterwards(two, tmp_path):
    _, after = two
    store = LocalStore(tmp_path / "index")
    store.open(None)
    store.exchange()
    assert store.passport().encoder["fingerprint"] == "turned-1"
    assert store.count() == len(after)
    store.close()
    assert held(tmp_path / "index") == ("turned-1", after)
    left = {path.name for path in (tmp_path / "index").iterdir()}
    assert left == {"catalog.sqlite", "vectors", "exchange.sqlite"}


def test_nothing_happens_without_a_decision(two, tmp_path):
    before, _ = two
    assert held(tmp_path / "index") == ("counting-1", before)


@pytest.mark.parametrize("missing", ["catalog.sqlite", "vectors"])
def test_what_is_not_whole_is_not_taken(two, tmp_path, missing):
    before, _ = two
    part = tmp_path / "index" / "migration" / "index" / missing
    shutil.rmtree(part) if part.is_dir() else part.unlink()
    store = LocalStore(tmp_path / "index")
    store.open(None)
    with pytest.raises(StoreError, match="no closed index"):
        store.exchange()
    store.close()
    assert held(tmp_path / "index") == ("counting-1", before)


STEPS = ("rename", "replace", "unlink", "rmtree")


class Killed(BaseException):
    """Not an error that anything would handle."""


def stop_at(monkeypatch, n):
    """Have the n-th step on the disk not happen, and all that would come after it."""
    left = [n]

    def wrapped(real):
        def step(*arguments, **more):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(*arguments, **more)

        return step

    monkeypatch.setattr(Path, "rename", wrapped(Path.rename))
    monkeypatch.setattr(os, "replace", wrapped(os.replace))
    monkeypatch.setattr(exchange.shutil, "rmtree", wrapped(shutil.rmtree))
    return left


@pytest.mark.parametrize("n", range(8))
def test_stopped_at_any_step_it_is_finished_by_the_next_who_opens(two, tmp_path, monkeypatch, n):
    _, after = two
    store = LocalStore(tmp_path / "index")
    store.open(None)
    with monkeypatch.context() as patched:
        left = stop_at(patched, n)
        try:
            store.exchange()
        except Killed:
            pass
        happened = left[0] == 0
    store.close()
    assert held(tmp_path / "index") == ("turned-1", after), "it was decided before the first step"
    assert not (tmp_path / "index" / "migration").exists()
    assert happened or n > 3, "the first four steps are there"


KILL = """
import os, sys
from pathlib import Path
from retrievo.store.local import exchange
from retrievo.store.local.store import LocalStore
left, folder = int(sys.argv[1]), Path(sys.argv[2])
def wrapped(real):
    def step(*a, **k):
        global left
        if left == 0: os._exit(9)
        left -= 1
        return real(*a, **k)
    return step
store = LocalStore(folder); store.open(None)
Path.rename, os.replace = wrapped(Path.rename), wrapped(os.replace)
exchange.sync_folder = wrapped(exchange.sync_folder)
store.exchange()
print("done")
"""


@pytest.mark.crash
@pytest.mark.parametrize("n", range(10))
def test_killed_at_any_step_the_index_is_one_of_the_two(two, tmp_path, n):
    before, after = two
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(n), str(tmp_path / "index")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 9 or "done" in done.stdout, done.stderr
    found = held(tmp_path / "index")
    assert found in [("counting-1", before), ("turned-1", after)]
    if not (tmp_path / "index" / "migration" / "ready").exists() and found[0] == "counting-1":
        assert n <= 1, "only before the decision the old one stays"


def test_an_index_that_is_open_elsewhere_is_not_exchanged(two, tmp_path):
    exchange.decide(tmp_path / "index")
    connection = sqlite3.connect(tmp_path / "index" / "catalog.sqlite", isolation_level=None)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(IndexLockedError):
        exchange.complete(tmp_path / "index")
    connection.close()
    exchange.complete(tmp_path / "index")
    assert held(tmp_path / "index")[0] == "turned-1"


def test_two_at_once_do_it_once(two, tmp_path):
    _, after = two
    exchange.decide(tmp_path / "index")
    code = (
        "import sys; from pathlib import Path; from retrievo.store.local import exchange; "
        "exchange.complete(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "index")]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert held(tmp_path / "index") == ("turned-1", after)
