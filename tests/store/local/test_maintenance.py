"""Optimize, vacuum and stats of a local index; kills while it compacts; the choice of codes."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from engines import unit

from retrievo import Chunk, ConfigError, Document
from retrievo.contracts import Batch, Space
from retrievo.errors import RetrievoWarning
from retrievo.passport import Passport
from retrievo.store.local import engine_config, segments
from retrievo.store.local.coding_choice import choose_coding
from retrievo.store.local.store import LocalStore

DIM = 16


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(engine_config, "QUANTIZE_ABOVE", 100)
    monkeypatch.setattr(engine_config, "GRAPH_ABOVE", 400)


def opened(path, **options):
    store = LocalStore(path, **options)
    spaces = {"dense": Space("dense", DIM)}
    store.open(Passport({"name": "given", "dim": DIM}, {}, "", spaces), {})
    return store


def put(store, first, past, vectors):
    docs = [Document(f"d{i}", f"text {i}") for i in range(first, past)]
    items = [(doc, [Chunk(doc.id, doc.text, 0, len(doc.text))]) for doc in docs]
    n = len(docs)
    store.write(Batch(items, ["f"] * n, {"dense": vectors[first:past]}, np.full(n, -1)))


def test_stats_tell_what_is_coded(tmp_path):
    vectors = unit(np.random.default_rng(0), 900)
    store = opened(tmp_path / "i")
    seen = []
    for first, past in [(0, 80), (80, 300), (300, 900)]:
        put(store, first, past, vectors)
        store.settle()
        told = store.stats()
        one = told.representations["dense"]
        seen.append((told.documents, told.chunks, one.coding, one.coded, one.graph))
        assert bool(told.notes) == (past == 80)
    assert seen == [
        (80, 80, "float32", 0, False),
        (300, 300, "int8", 300, False),
        (900, 900, "int8", 900, True),
    ]
    # Sparse files: what is told is what the disk gives for them.
    disk = sum(f.stat().st_blocks * 512 for f in (tmp_path / "i").rglob("*") if f.is_file())
    assert store.stats().bytes_on_disk == disk
    assert disk < sum(f.stat().st_size for f in (tmp_path / "i").rglob("*") if f.is_file())
    store.close()


def test_vacuum_gives_space_back_and_loses_no_row(tmp_path):
    vectors = unit(np.random.default_rng(0), 3000)
    store = opened(tmp_path / "i")
    put(store, 0, 3000, vectors)
    store.settle()
    store.delete([f"d{i}" for i in range(2500)])
    store.close()  # what is in SQLite's log goes into the file
    store = opened(tmp_path / "i")
    before = segments.allocated_bytes(tmp_path / "i" / "vectors" / "segments")
    catalog = (tmp_path / "i" / "catalog.sqlite").stat().st_size
    store.vacuum()
    assert segments.allocated_bytes(tmp_path / "i" / "vectors" / "segments") < 0.6 * before
    store.close()
    assert (tmp_path / "i" / "catalog.sqlite").stat().st_size < 0.6 * catalog
    store = opened(tmp_path / "i")
    rows = np.concatenate(list(store.scan()))
    assert len(rows) == store.count() == 500
    for number in (2500, 2750, 2999):
        found = store.search("dense", vectors[number : number + 1], 1)[0]
        assert store.get(found.rows)[0].doc_id == f"d{number}"
    store.close()


def child(path, act):
    code = f"""
import sys
from retrievo.store.local import engine_config
engine_config.QUANTIZE_ABOVE, engine_config.GRAPH_ABOVE = 100, 400
from retrievo.store.local.store import LocalStore
store = LocalStore({str(path)!r})
store.open(None)
print("start", flush=True)
store.{act}()
print("done", flush=True)
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.crash
@pytest.mark.slow
def test_killed_while_it_compacts_it_opens_whole(tmp_path):
    vectors = unit(np.random.default_rng(0), 4000)
    store = opened(tmp_path / "made")
    put(store, 0, 4000, vectors)
    store.delete([f"d{i}" for i in range(500)])
    store.close()
    wait, killed = 0.0, 0
    for round_ in range(8):
        act = ("settle", "optimize", "vacuum")[round_ % 3]
        path = tmp_path / f"copy{round_}"
        shutil.copytree(tmp_path / "made", path)
        process = child(path, act)
        assert process.stdout.readline() == "start\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        killed += "done" not in process.communicate()[0]
        # Later from round to round; from the start again when the act was through.
        wait = wait + 0.02 if process.returncode == -signal.SIGKILL else 0.0
        check_whole(path, vectors)
        shutil.rmtree(path)
    assert killed, "no kill came before the act was done"


def check_whole(path: Path, vectors: np.ndarray) -> None:
    store = opened(path)
    assert (store.count(), store.health()) == (3500, [])
    rows = np.concatenate(list(store.scan()))
    numbers = [int(chunk.doc_id[1:]) for chunk in store.get(rows)]
    assert np.array_equal(store.vectors("dense", rows), vectors[numbers])
    store.optimize()
    told = store.stats().representations["dense"]
    assert (told.vectors, told.coded, told.graph) == (3500, 3500, True)
    found = store.search("dense", vectors[3000:3001], 1)[0]
    assert store.get(found.rows)[0].doc_id == "d3000"
    store.close()


def close(rng, n):
    """Vectors around three centres: one bit a number cannot tell those of a centre apart."""
    made = unit(rng, 3)[rng.integers(0, 3, n)] + 0.02 * rng.normal(size=(n, DIM))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def test_the_smallest_coding_that_is_good_enough_is_chosen():
    easy = choose_coding(unit(np.random.default_rng(0), 1000, 256), 0.5)
    assert easy.coding == "binary" and list(easy.recalls) == ["binary"]
    vectors = close(np.random.default_rng(0), 3000)
    choice = choose_coding(vectors, 0.98)
    assert choice.coding in ("int4", "int8")
    assert choice.recalls["binary"] < 0.98 <= choice.recalls[choice.coding]
    assert choose_coding(vectors, 1.1).coding == "none"


def test_auto_measures_says_so_and_remembers(tmp_path):
    vectors = close(np.random.default_rng(0), 900)
    store = opened(tmp_path / "i", compression="auto", min_recall=0.98)
    put(store, 0, 600, vectors)
    with pytest.warns(RetrievoWarning, match=r"compression int\d: recall@10 of 0.98 was asked for"):
        store.settle()
    chosen = store.stats().representations["dense"].coding
    assert chosen in ("int4", "int8") and any(chosen in note for note in store.stats().notes)
    store.close()
    store = opened(tmp_path / "i")  # as it was asked before, and nothing is measured again
    put(store, 600, 900, vectors)
    store.settle()
    assert store.stats().representations["dense"].coding == chosen
    store.close()
    store = opened(tmp_path / "i", compression="none")
    store.settle()
    told = store.stats().representations["dense"]
    assert (told.coding, told.coded) == ("float32", 0)
    store.close()


@pytest.mark.parametrize("wrong", [{"compression": "int7"}, {"min_recall": 1.5}])
def test_what_no_index_can_be_kept_in_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LocalStore(tmp_path / "i", **wrong)
