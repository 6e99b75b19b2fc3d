"""Kill a process at random moments while it writes: nothing acknowledged may be lost."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from retrievo import Pipeline

sys.path.insert(0, str(Path(__file__).parent))
from crashing import text_of

KILLS = 12


def expected(log):
    """What each document may be: one state, or two where a run was killed in between."""
    sure, maybe = {}, {}
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        if "start" in entry:
            for name, state in entry["start"].items():
                maybe[name] = {sure.get(name), *maybe.get(name, ()), state}
        else:
            for name, state in entry["done"].items():
                sure[name] = state
                maybe[name] = {state}
    return maybe


@pytest.mark.crash
def test_killed_at_any_moment_every_document_is_wholly_old_or_wholly_new(tmp_path):
    index, log = tmp_path / "index", tmp_path / "log"
    log.touch()
    random.seed(7)
    chunker = Pipeline.part("chunker", use="recursive", chunk_size=16, chunk_overlap=4)
    done = 0
    for kill in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "crashing.py"), index, log, str(kill)],
            stderr=subprocess.PIPE,
        )
        before = log.stat().st_size
        while log.stat().st_size == before and child.poll() is None:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.5))
        assert child.poll() is None, child.stderr.read().decode()
        child.kill()
        child.communicate()
        if not (index / "catalog.sqlite").exists():
            continue
        with Pipeline.open(index, chunker=chunker) as pipeline:
            store = pipeline.store
            assert store.health() == []
            rows = np.concatenate([*store.scan(), np.empty(0, np.int64)])
            chunks = store.get(rows)
            assert len({chunk.id for chunk in chunks}) == len(chunks)
            assert np.isfinite(np.asarray(store.vectors("dense", rows))).all()
            assert store.statistics("bm25").n == len(rows)
            may_be = expected(log)
            for name, states in may_be.items():
                mine = sorted((c for c in chunks if c.doc_id == name), key=lambda c: c.start)
                texts = {state: None if state is None else text_of(name, state) for state in states}
                fits = [
                    text
                    for text in texts.values()
                    if (text is None and not mine)
                    or (text is not None and mine and _whole(text, mine))
                ]
                assert fits, f"kill {kill}: {name} is neither of {states}"
            done += len(may_be)
    assert done > 0


def _whole(text, chunks):
    """Whether the chunks are exactly those of the text: exact slices that leave out no word."""
    covered = np.zeros(len(text), bool)
    for chunk in chunks:
        if text[chunk.start : chunk.end] != chunk.text:
            return False
        covered[chunk.start : chunk.end] = True
    return all(text[i].isspace() for i in np.flatnonzero(~covered))
