"""Threads: readers at once, and readers while a writer writes."""

import sys
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from retrievo.contracts import Store
from retrievo.errors import StoreError
from retrievo.filters import F, Filter
from retrievo.testing.stores.checking import check_search, rows_of
from retrievo.testing.stores.hooks import Held, StoreHooks
from retrievo.testing.stores.samples import (
    SPACES,
    batch_of,
    chunks_of,
    cut,
    documents,
    everything_of,
    queries_of,
)
from retrievo.types import Chunk, Document

READERS = 4
READS = 15
"""Of each reader, at least: they go on until the writer is done."""

WRITES = 20
PAUSE_S = 0.0005
"""Between two reads, so that a writer has its turn even where readers go first."""

LEAD_S = 0.2
"""How long a reader leaves a writer to break in."""

SWITCH_S = 1e-5
"""How often Python may turn to another thread; at its usual 5 ms a race hides for long."""

PATIENCE_S = 120
"""After that a thread is taken to be stuck; nothing else depends on a clock."""

_EVERYTHING = everything_of(SPACES["dense"])


def _together(*acts: Callable[[], None]) -> None:
    """All acts at once, each in a thread; raises the first of their errors."""
    start = threading.Barrier(len(acts))
    errors: list[BaseException] = []

    def run(act: Callable[[], None]) -> None:
        try:
            start.wait(PATIENCE_S)
            act()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(act,), daemon=True) for act in acts]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a thread is stuck: a lock that nobody gives back?"
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]


def _version(turn: int) -> list[tuple[Document, list[Chunk]]]:
    """Five documents as of the turn: texts, metadata and number of chunks depend on it."""
    docs = [
        Document(f"d{i}", f"version {turn} of document {i} " * 3, {"turn": turn}) for i in range(5)
    ]
    return [(document, chunks_of(document, 1 + turn % 3)) for document in docs]


def _whole(chunks: Sequence[Chunk], asked: Filter | None) -> None:
    """Each document is there in exactly one version, with all of its chunks."""
    by_document: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_document.setdefault(chunk.doc_id, []).append(chunk)
    if asked is None:
        assert set(by_document) == {f"d{i}" for i in range(5)}, f"only {sorted(by_document)}"
    for doc_id, mine in by_document.items():
        turns = {int(chunk.metadata["turn"]) for chunk in mine}
        assert len(turns) == 1, f"{doc_id} is of the versions {sorted(turns)} at once"
        turn = turns.pop()
        right = dict((document.id, part) for document, part in _version(turn))[doc_id]
        found = sorted(mine, key=lambda chunk: chunk.start)
        assert found == right, f"{doc_id} of version {turn} has {len(found)} of {len(right)} chunks"


def _read(store: Store, asked: Filter | None) -> None:
    with store.reading():
        for name in store.passport().representations:  # type: ignore[union-attr]
            if SPACES[name].kind == "dense":
                found = store.search(name, everything_of(SPACES[name]), 100, asked)[0]
                _whole(store.get(found.rows), asked)
        if asked is None:
            _whole(store.get(rows_of(store)), asked)
            assert store.document_count() == 5
            prints = store.fingerprints()
            names = sorted(prints)
            for rows, doc_id in zip(store.document_rows(names), names, strict=True):
                turn = store.get(rows)[0].metadata["turn"]
                assert prints[doc_id] == str(turn), "a fingerprint of another version"


class Concurrency(StoreHooks):
    def test_readers_at_once_find_what_one_finds(self, held: Held) -> None:
        held.write(batch_of(cut(documents(60), 2), held.spaces))
        filtered = "filter" in held.store.capabilities
        filters = [None, F("year") == 2020, ~F("lang").exists(), F("n") > 0]

        def reader(seed: int) -> Callable[[], None]:
            def act() -> None:
                draw = np.random.default_rng(seed)
                for turn in range(READS):
                    wanted = filters[(seed + turn) % 4] if filtered else None
                    for name, space in held.spaces.items():
                        queries = queries_of(space, 2, draw)
                        check_search(held.store, held.model, name, queries, 7, wanted)
                    assert held.store.count(wanted) == len(held.model.kept(wanted))

            return act

        _together(*(reader(seed) for seed in range(READERS)))

    def test_a_reader_sees_each_document_wholly_old_or_wholly_new(self, held: Held) -> None:
        filtered = "filter" in held.store.capabilities

        def read(place: int, turn: int) -> None:
            _read(held.store, F("turn") >= turn if filtered and place % 2 else None)

        _read_while_written(held, read)
        _whole(held.store.get(rows_of(held.store)), None)

    def test_one_call_is_whole_without_a_scope(self, held: Held) -> None:
        """What a search found may be gone a moment later; nothing else may go wrong."""
        store = held.store

        def read(place: int, turn: int) -> None:
            found = store.search("dense", _EVERYTHING, 100)[0]
            assert len(found) in (5, 10, 15), f"{len(found)} rows of 5, 10 or 15"
            assert store.count() in (5, 10, 15)
            assert set(store.fingerprints()) == {f"d{i}" for i in range(5)}
            _gone_or_whole(store, found.rows)

        _read_while_written(held, read)

    def test_what_a_search_found_stays_while_it_is_read(self, held: Held) -> None:
        store, spaces = held.store, held.spaces
        store.write(batch_of(_version(0), spaces, fingerprint="0"))
        begun, done = threading.Event(), threading.Event()

        def write() -> None:
            assert begun.wait(PATIENCE_S)
            store.write(batch_of(_version(1), spaces, seed=1, fingerprint="1"))
            done.set()

        def read() -> None:
            with store.reading():
                found = store.search("dense", _EVERYTHING, 100)[0]
                begun.set()
                done.wait(LEAD_S)  # in vain, where the scope keeps the writer out
                chunks = store.get(found.rows)
            _whole(chunks, None)
            assert {chunk.metadata["turn"] for chunk in chunks} == {0}

        _together(write, read)
        assert store.fingerprints(["d0"]) == {"d0": "1"}


def _read_while_written(held: Held, read: Callable[[int, int], None]) -> None:
    """`read(place, turn)` again and again in several threads while one writes new versions."""
    store, spaces = held.store, held.spaces
    store.write(batch_of(_version(0), spaces, fingerprint="0"))
    done = threading.Event()

    def write() -> None:
        try:
            for turn in range(1, WRITES + 1):
                batch = batch_of(_version(turn), spaces, seed=turn, fingerprint=str(turn))
                store.write(batch)
                if turn % 4 == 0:
                    store.settle()
        finally:
            done.set()

    def reader(place: int) -> Callable[[], None]:
        def act() -> None:
            reads = 0
            while reads < READS or not done.is_set():
                read(place, reads)
                reads += 1
                time.sleep(PAUSE_S)

        return act

    _together(write, *(reader(place) for place in range(READERS)))


def _gone_or_whole(store: Store, rows: np.ndarray) -> None:
    try:
        chunks = store.get(rows)
    except StoreError:
        return  # overwritten in between, and said so
    _whole(chunks, None)
