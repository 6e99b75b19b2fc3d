"""Every benchmark starts: a name that has moved is found here, not by who runs it a year later."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS = [
    path
    for path in sorted((ROOT / "benchmarks").glob("*.py"))
    if "ArgumentParser(" in path.read_text(encoding="utf-8")
]


def test_the_benchmarks_are_found():
    assert {"stores.py", "filters.py", "crashes.py"} <= {path.name for path in BENCHMARKS}


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.name)
def test_a_benchmark_tells_its_usage(path, tmp_path):
    if path.name == "end_to_end.py" and not importlib.util.find_spec("bm25s"):
        pytest.skip("the plain script that it compares with needs bm25s")
    run = subprocess.run(
        [sys.executable, str(path), "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"usage: {path.name}")
