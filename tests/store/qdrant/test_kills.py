"""A client that dies between any two changes leaves each document wholly old or wholly new."""

from contextlib import contextmanager

import numpy as np
import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from dying_client import DyingClient, Killed, states_of
from qdrant_client import QdrantClient

from retrievo.contracts import Batch
from retrievo.store.qdrant import writing
from retrievo.store.qdrant.store import QdrantStore
from retrievo.testing.stores.samples import (
    CONFIG,
    SPACES,
    batch_of,
    chunks_of,
    cut,
    everything_of,
    passport_of,
    values_of,
)
from retrievo.types import Document

PASSPORT = passport_of(SPACES)
OLD = [Document(f"d{i}", f"the old text of {i} " * 3, {"v": 1}) for i in range(3)]
EDITED = [Document("d1", "quite another text", {"v": 2}), Document("new", "one more", {"v": 2})]
MOVED = Document("d2", OLD[2].text, {"v": 2})


@contextmanager
def filled():
    client = QdrantClient(":memory:")
    store = QdrantStore("docs", client=client)
    store.open(PASSPORT, CONFIG)
    store.write(batch_of(cut(OLD, 3), SPACES))
    yield client
    client.close()


@pytest.fixture
def client():
    with filled() as client:
        yield client


def opened(client, **settings):
    store = QdrantStore("docs", client=client, **settings)
    store.open(None)
    return store


def edit(store):
    """New text, a new document, and a document that keeps its chunks under other metadata."""
    items = [*cut(EDITED, 2), (MOVED, chunks_of(MOVED, 3))]
    rows = store.document_rows(["d2"])[0]
    fresh = sum(len(chunks) for _, chunks in items[:-1])
    draw = np.random.default_rng(3)
    values = {name: values_of(space, fresh, draw) for name, space in SPACES.items()}
    reuse = np.concatenate([np.full(fresh, -1, np.int64), rows])
    store.write(Batch(items, ["2"] * 3, values, reuse))


def drop(store):
    store.delete(["d0", "d2"])


def whole(store):
    """What there is of each document, by every way of asking; they must agree."""
    rows = np.concatenate([np.empty(0, np.int64), *store.scan()])
    chunks = store.get(rows)
    by_search = store.search("dense", everything_of(SPACES["dense"]), 1000)[0]
    assert sorted(by_search.rows.tolist()) == rows.tolist()
    assert store.count() == len(rows)
    found = {}
    for name, fingerprint in store.fingerprints().items():
        mine = store.document_rows([name])[0]
        assert sorted(mine.tolist()) == sorted(
            row for row, c in zip(rows.tolist(), chunks, strict=True) if c.doc_id == name
        ), f"{name}: other chunks are visible than the document has"
        got = store.get(mine)
        found[name] = (fingerprint, [chunk.text for chunk in got], {c.metadata["v"] for c in got})
    assert {chunk.doc_id for chunk in chunks} == set(found)
    return found


def versions(act, client):
    """Each document before and after the act."""
    store = opened(client)
    before = whole(store)
    act(store)
    return before, whole(store)


@pytest.mark.parametrize("act", [edit, drop])
@pytest.mark.parametrize("batch_bytes", [200, 8_000_000])
def test_a_kill_between_any_two_changes(act, batch_bytes):
    with filled() as client:
        before, after = versions(act, client)
    left, finished = 0, False
    while not finished:
        with filled() as client:
            finished = _killed_after(left, client, act, batch_bytes)
            again = opened(client)
            found = whole(again)
            for name in {*before, *after}:
                right = [before.get(name), after.get(name)]
                assert found.get(name) in right, f"after {left}: {name} is {found.get(name)}"
            act(again)
            assert whole(again) == after, f"after {left}: the next run ends elsewhere"
            assert set(states_of(client, "docs")) <= {"live", "document", "staged"}
        left += 1
    assert left > 3


def _killed_after(left, client, act, batch_bytes):
    """Whether the act came to its end within so many changes."""
    killer = DyingClient(client, 10**6)
    store = opened(killer, batch_bytes=batch_bytes)
    killer.left = left
    try:
        act(store)
    except Killed:
        return False
    return True


def test_what_a_dead_client_staged_is_removed_when_it_is_old(client, monkeypatch):
    killer = DyingClient(client, 10**6)
    store = QdrantStore("docs", client=killer)
    store.open(None)
    killer.left = 1  # the chunks, and no commit
    with pytest.raises(Killed):
        store.write(batch_of(cut(EDITED, 2), SPACES, seed=3))
    assert states_of(client, "docs")["staged"] == 4
    opened(client)
    assert states_of(client, "docs")["staged"] == 4, "it may belong to a client that lives"
    monkeypatch.setattr(writing, "STALE_S", 0.0)
    opened(client)
    assert "staged" not in states_of(client, "docs")


def test_hidden_chunks_are_nowhere(client):
    killer = DyingClient(client, 10**6)
    store = QdrantStore("docs", client=killer)
    store.open(None)
    before = whole(store)
    n, mean = store.statistics("lexical").n, store.statistics("lexical").mean_length
    killer.left = 1
    with pytest.raises(Killed):
        store.write(batch_of(cut(EDITED, 2), SPACES, seed=3))
    again = opened(client)
    assert whole(again) == before
    assert (again.statistics("lexical").n, again.statistics("lexical").mean_length) == (n, mean)
    for name, space in SPACES.items():
        assert len(again.search(name, everything_of(space), 1000)[0]) <= n
    chunk_ids = [chunk.id for _, chunks in cut(EDITED, 2) for chunk in chunks]
    assert again.rows(chunk_ids).tolist() == [-1] * 4
