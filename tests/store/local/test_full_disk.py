"""A disk that is full at any moment: it is told as a StoreError, and nothing is lost.

The limit is on the size of a file, which the system tells as an error. A file system with no block
left ends the process instead (SIGBUS: the engine writes through memory maps); for the index that is
a kill, as in test_crash.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from killing.acts import document_of, make_small, open_index
from killing.checks import check

TESTS = Path(__file__).parents[2]
NAMES = [f"d{i}" for i in range(60)]

CHILD = """
import resource, signal, sys
from pathlib import Path
from killing.acts import document_of, make_small, open_index
from retrievo import StoreError

make_small()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder, act, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with open_index(folder) as pipeline:
    store = pipeline.store
    acts = {
        "edits": lambda: pipeline.index([document_of(f"d{i}", 1) for i in range(60)]),
        "delete": lambda: pipeline.delete([f"d{i}" for i in range(60)]),
        "vacuum": lambda: store.vacuum(),
        "snapshot": lambda: store.snapshot(folder / "snapshot"),
    }
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        acts[act]()
    except StoreError as error:
        print("told:", error)
    found = pipeline.search("version", top_k=5)
    print("found", len(found))
"""

LEAVES = {"edits": {0, 1}, "delete": {0, None}, "vacuum": {0}, "snapshot": {0}}


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
@pytest.mark.parametrize(
    ("act", "limit"),
    [
        ("edits", 5_000),
        ("edits", 140_000),
        ("delete", 5_000),
        ("vacuum", 40_000),
        ("snapshot", 140_000),
    ],
)
def test_a_full_disk_is_told_and_costs_nothing(tmp_path, monkeypatch, act, limit):
    make_small(monkeypatch.setattr)
    with open_index(tmp_path) as pipeline:
        pipeline.index([document_of(name, 0) for name in NAMES])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, tmp_path, act, str(limit)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0 and "told: " in done.stdout, done.stderr
    assert "found 5" in done.stdout, "what was there is found by the process that was told"
    assert not (tmp_path / "snapshot").exists()
    with open_index(tmp_path) as pipeline:
        check(pipeline, dict.fromkeys(NAMES, LEAVES[act]))
        pipeline.index([document_of(name, 2) for name in NAMES])
        check(pipeline, {name: {2} for name in NAMES})
