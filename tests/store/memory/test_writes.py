"""What stops a write of the memory store leaves the old state or the new one, and nothing else."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from dense_batches import batch, dense, passport

from retrievo.contracts import Space
from retrievo.errors import StoreError
from retrievo.store.memory import state as memory_state
from retrievo.store.memory.store import MemoryStore
from retrievo.types import MultiRows, SparseRows

HERE = Path(memory_state.__file__).parent
WATCHED = {str(HERE / name) for name in ("store.py", "state.py", "growing.py")}
KINDS = passport(dense=Space("dense", 3), lexical=Space("sparse"), tokens=Space("multi", 2))


def values(n, seed):
    random = np.random.default_rng(seed)
    bounds = np.arange(n + 1, dtype=np.int64) * 2
    return {
        "dense": random.normal(size=(n, 3)).astype(np.float32),
        "lexical": SparseRows(
            bounds,
            random.integers(0, 9, 2 * n).astype(np.uint32),
            random.random(2 * n).astype(np.float32),
            np.full(n, 2, np.float32),
        ),
        "tokens": MultiRows(bounds, random.normal(size=(2 * n, 2)).astype(np.float32)),
    }


def mixed(n, *, first, seed, reuse=()):
    made = batch(np.zeros((n, 1)), first=first)
    made.representations = values(n - len(reuse), seed)
    made.fingerprints = [str(seed)] * n
    made.reuse[: len(reuse)] = reuse
    return made


def filled():
    store = MemoryStore()
    store.open(KINDS, {})
    store.write(mixed(5, first=0, seed=1))
    # Asked for once, so that postings and columns are there to be carried over.
    store.search("lexical", values(1, 4)["lexical"], 3)
    return store


def everything(store):
    rows = np.concatenate([np.empty(0, np.int64), *store.scan()])
    kept = store.vectors("lexical", rows)
    found = [store.search(name, values(1, 4)[name], 9)[0] for name in KINDS.representations]
    return [
        store.document_count(), rows.tolist(), store.fingerprints(),
        [chunk.id for chunk in store.get(rows)], store.document_numbers(rows).tolist(),
        [one.tolist() for one in store.document_rows([f"d{i}" for i in range(9)])],
        store.vectors("dense", rows).tolist(), store.vectors("tokens", rows).vectors.tolist(),
        kept.indices.tolist(), kept.lengths.tolist(), store.statistics("lexical"),
        [(one.rows.tolist(), one.scores.tolist()) for one in found],
    ]  # fmt: skip


CHANGES = {
    "new documents": lambda store: store.write(mixed(3, first=5, seed=2)),
    "old and new ones": lambda store: store.write(mixed(4, first=3, seed=2, reuse=[3])),
    "a delete": lambda store: store.delete(["d1", "d4", "nobody"]),
    "a replacement": lambda store: store.replace(
        "lexical", np.array([1, 3]), values(2, 7)["lexical"], 2.5
    ),
}


class Interrupter:
    """Raises KeyboardInterrupt at the n-th line that runs in the watched files."""

    def __init__(self, n):
        self.left = n

    def __call__(self, frame, event, argument):
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self)

    def __exit__(self, *error):
        sys.settrace(self.before)


@pytest.mark.parametrize("change", CHANGES)
def test_a_write_that_is_interrupted_anywhere_is_whole_or_nothing(change):
    quiet = filled()
    before = everything(quiet)
    CHANGES[change](quiet)
    after = everything(quiet)
    assert before != after
    for moment in range(1, 10_000):
        store = filled()
        watching = Interrupter(moment)
        try:
            with watching:
                CHANGES[change](store)
        except KeyboardInterrupt:
            now = everything(store)
            assert now in (before, after), f"interrupted at line {moment}"
            if now == before:
                CHANGES[change](store)
                assert everything(store) == after
        else:
            assert watching.left > 0
            break
    assert moment > 10


WRONG = {
    "too few rows": {"dense": np.ones((2, 3), np.float32)},
    "too many rows": {"dense": np.ones((4, 3), np.float32)},
    "too narrow": {"dense": np.ones((3, 2), np.float32)},
    "nothing": {},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_batch_that_does_not_fit_is_refused(wrong):
    store = filled()
    before = everything(store)
    broken = mixed(3, first=4, seed=2)
    broken.representations = {
        **{name: one for name, one in broken.representations.items() if name != "dense"},
        **WRONG[wrong],
    }
    with pytest.raises(StoreError, match="'dense'"):
        store.write(broken)
    assert everything(store) == before


def test_a_document_that_is_twice_in_a_batch_is_refused():
    store = filled()
    twice = mixed(2, first=7, seed=2)
    twice.items[1] = twice.items[0]
    with pytest.raises(StoreError, match="'d7'"):
        store.write(twice)
    assert store.document_count() == 5


def test_the_callers_array_may_change_afterwards():
    store = MemoryStore()
    store.open(dense(2), {})
    given = np.ones((1, 2), np.float32)
    store.write(batch(given))
    given[:] = 7
    assert store.vectors("dense", np.array([0])).tolist() == [[1, 1]]


def test_a_search_goes_on_over_what_it_began_with():
    store = filled()
    pieces = store.scan(2)
    first = next(pieces)
    store.delete(["d0", "d3"])
    store.write(mixed(3, first=0, seed=9))
    assert np.concatenate([first, *pieces]).tolist() == [0, 1, 2, 3, 4]


def test_readers_meet_whole_states_only():
    store = MemoryStore()
    store.open(dense(2), {})
    wrong, done = [], threading.Event()

    def read():
        while not done.is_set():
            found = store.search("dense", np.ones((1, 2), np.float32), 50)[0]
            # Each state has 10 equal vectors of a number of its own.
            if len(found) not in (0, 10) or len(set(found.scores.tolist())) > 1:
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(150):
        store.write(batch(np.full((10, 2), number, np.float32)))
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong
