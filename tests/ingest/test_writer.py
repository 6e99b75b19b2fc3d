"""Batches are written beside an encoder that waits, one at a time, and whole."""

import threading
import time

import numpy as np
import pytest
from indexing import everything, small
from pipelines import TEXTS, CountingEncoder, documents

from retrievo import Document, Pipeline
from retrievo.ingest import changes
from retrievo.ingest.writer import Writer
from retrievo.store.memory.store import MemoryStore


def test_jobs_run_one_after_another_in_order():
    done, running, most = [], 0, 0

    def job(i):
        def work():
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.01)
            done.append(i)
            running -= 1

        return work

    with Writer() as writer:
        for i in range(6):
            writer.submit(job(i), beside=i % 3 != 0)
        writer.finish()
    assert done == list(range(6)) and most == 1


def test_an_error_of_a_job_reaches_the_caller_once():
    def fail():
        raise ValueError("the disk is full")

    with Writer() as writer:
        writer.submit(fail, beside=True)
        with pytest.raises(ValueError, match="disk is full"):
            writer.submit(lambda: None, beside=True)
        writer.finish()


def test_leaving_waits_for_the_job_that_runs_and_notes_its_error():
    ended = threading.Event()

    def slow():
        time.sleep(0.05)
        ended.set()
        raise ValueError("the disk is full")

    with pytest.raises(KeyboardInterrupt) as caught, Writer() as writer:
        writer.submit(slow, beside=True)
        raise KeyboardInterrupt
    assert ended.is_set()
    assert any("the disk is full" in note for note in caught.value.__notes__)


class WaitingEncoder(CountingEncoder):
    """Waits as a remote encoder does, and sees whether something is written meanwhile."""

    def __init__(self, store):
        super().__init__()
        self.store = store
        self.writing_meanwhile = 0

    def encode_document(self, texts):
        started = self.store.writes_ended
        time.sleep(0.03)
        self.writing_meanwhile += self.store.writes_ended > started
        return super().encode_document(texts)


class SlowStore(MemoryStore):
    writes_ended = 0

    def write(self, batch):
        time.sleep(0.01)
        super().write(batch)
        self.writes_ended += 1


def test_a_batch_is_written_while_the_next_one_is_encoded(monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 1)
    store = SlowStore()
    encoder = WaitingEncoder(store)
    beside = Pipeline(**small(store=store, encoder=encoder))
    beside.index(documents())
    assert encoder.writing_meanwhile > 0
    alone = Pipeline(**small())
    alone.index(documents())
    assert everything(beside) == everything(alone)
    same = [hit.score for hit in alone.search("rotate a key")]
    assert np.allclose([hit.score for hit in beside.search("rotate a key")], same)


def test_batches_end_at_tokens_chunks_and_characters(monkeypatch):
    sizes = {}
    for name, value in (
        ("TOKENS_A_BATCH", 24),
        ("CHUNKS_A_BATCH", 3),
        ("CHARACTERS_A_BATCH", 80),
        ("COMPARED_AT_ONCE", 1),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(changes, name, value)
            found = changes.Changes(
                _empty(),
                small()["chunker"],
                reusable=True,
                tenant=None,
            )
            batches = list(found.batches(documents()))
            sizes[name] = [(len(b.items), b.chunks, b.tokens) for b in batches]
            assert [d.id for b in batches for d, _ in b.items] == list(TEXTS)
    assert all(tokens >= 24 for _, _, tokens in sizes["TOKENS_A_BATCH"][:-1])
    assert all(chunks >= 3 for _, chunks, _ in sizes["CHUNKS_A_BATCH"][:-1])
    assert len(sizes["CHARACTERS_A_BATCH"]) > 1 and len(sizes["COMPARED_AT_ONCE"]) == 1


def _empty():
    pipeline = Pipeline(**small())
    pipeline.index([Document("gone", "x")])
    pipeline.delete("gone")
    return pipeline.store
