"""A migration that is killed again and again: the index is always the old one or the new one."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from killing.acts import HashEncoder, document_of, make_small
from migrate.moving_child import OtherEncoder, open_index

from retrievo.migrate.place import folder_of
from retrievo.store.local.store import LocalStore

TESTS = Path(__file__).parent.parent
DOCUMENTS = [document_of(f"d{at}", 0) for at in range(150)]


def held(folder):
    store = LocalStore(folder)
    store.open(None)
    try:
        assert not store.health()
        found = {}
        for rows in store.scan():
            vectors = np.asarray(store.vectors("dense", rows))
            for chunk, vector in zip(store.get(rows), vectors, strict=True):
                found[chunk.id] = (chunk, vector.tobytes())
        return store.passport().encoder["fingerprint"], found
    finally:
        store.close()


def child(folder):
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "migrate.moving_child", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def made(folder, encoder):
    with open_index(folder, encoder) as pipeline:
        pipeline.index(DOCUMENTS)
    return held(folder)[1]


def undisturbed(folder):
    """The seconds that it takes a child when nobody kills it."""
    process = child(folder)
    assert process.stdout.readline().strip() == "opened"
    began = time.perf_counter()
    said, errors = process.communicate()
    assert "finished" in said, errors
    return time.perf_counter() - began


@pytest.mark.crash
def test_killed_at_any_moment_it_goes_on_and_ends_as_a_fresh_index(tmp_path, monkeypatch):
    make_small(monkeypatch.setattr)
    old = made(tmp_path / "index", HashEncoder())
    new = made(tmp_path / "fresh", OtherEncoder())
    draw = random.Random(5)
    whole = undisturbed(tmp_path / "index")
    assert held(tmp_path / "index") == ("hash-2", new)
    shutil.rmtree(tmp_path / "index")
    made(tmp_path / "index", HashEncoder())
    fingerprint, kills, went_on = "hash-1", 0, 0
    while fingerprint == "hash-1" and kills < 8:
        process = child(tmp_path / "index")
        assert process.stdout.readline().strip() == "opened"
        time.sleep(draw.random() * whole * 0.6)
        process.send_signal(signal.SIGKILL)
        said, errors = process.communicate()
        assert "Traceback" not in errors, errors
        kills += 1
        fingerprint, found = held(tmp_path / "index")
        assert found == (old if fingerprint == "hash-1" else new)
        assert fingerprint == "hash-2" or "finished" not in said
        went_on += folder_of(tmp_path / "index") is not None
    assert kills > 1 and went_on
    if fingerprint == "hash-1":
        last = child(tmp_path / "index")
        assert "finished" in last.communicate()[0]
    assert held(tmp_path / "index") == ("hash-2", new)
