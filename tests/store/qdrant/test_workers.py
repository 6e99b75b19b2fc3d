"""Several processes that write to one collection, and those of them that die."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from dying_client import DyingClient, Killed, Replacing, states_of
from qdrant_client import QdrantClient

from retrievo.errors import StoreError
from retrievo.filters import F
from retrievo.store.qdrant import points
from retrievo.store.qdrant.reading import documents as kept_documents
from retrievo.store.qdrant.store import QdrantStore
from retrievo.testing.stores.samples import (
    CONFIG,
    SPACES,
    batch_of,
    cut,
    documents,
    passport_of,
)
from retrievo.types import Document

PASSPORT = passport_of(SPACES)
IDF = {**SPACES, "lexical": replace(SPACES["lexical"], idf=True)}


@pytest.fixture
def client():
    client = QdrantClient(":memory:")
    yield client
    client.close()


def opened(client, passport=PASSPORT, **settings):
    store = QdrantStore("docs", client=client, **settings)
    store.open(passport, CONFIG)
    return store


def test_workers_that_write_the_same_batch_write_the_same_points(client):
    batch = batch_of(cut(documents(5), 2), SPACES)
    first, second = opened(client), opened(client)
    first.write(batch)
    rows = np.concatenate(list(first.scan()))
    second.write(batch)
    # The second saw the first one's chunks: it put its own in their place, under other numbers.
    assert second.count() == len(rows) == first.count()
    third = opened(client)
    killer = DyingClient(client, 10**6)
    dying = opened(killer)
    killer.left = 1
    with pytest.raises(Killed):
        dying.write(batch_of(cut([Document("x", "half a batch")], 2), SPACES, seed=4))
    third.write(batch_of(cut([Document("x", "half a batch")], 2), SPACES, seed=4))
    assert set(states_of(client, "docs")) == {"live", "document"}
    assert third.fingerprints()["x"] == "1"


def test_two_workers_in_the_middle_of_the_same_document(client):
    """Both stage, then both commit: the same rows, once."""
    batch = batch_of(cut([Document("x", "one two three four")], 2), SPACES)
    slow, fast = opened(client), opened(client)

    def overtaken(*args, **arguments):
        found = client.upsert(*args, **arguments)
        fast.write(batch)
        return found

    slow._index.server.client = Replacing(client, upsert=overtaken)
    slow.write(batch)
    again = opened(client)
    assert again.count() == 2
    assert [chunk.text for chunk in again.get(again.document_rows(["x"])[0])] == [
        chunk.text for _, chunks in batch.items for chunk in chunks
    ]
    assert states_of(client, "docs") == {"live": 2, "document": 1}


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("deletes", [False, True])
def test_a_write_that_is_overtaken_gives_way(client, step, deletes):
    """Another process writes, or deletes, the document between any two steps of a commit."""
    first = opened(client)
    first.write(batch_of(cut([Document("x", "the old text"), Document("y", "left alone")]), SPACES))
    slow, fast = opened(client), opened(client)
    to_come = step

    def one_by_one(collection, update_operations, **arguments):
        nonlocal to_come
        done = []
        for operation in update_operations:
            if to_come == 0:
                overtake()
            to_come -= 1
            done += client.batch_update_points(collection, [operation], **arguments)
        return done

    def overtake():
        if deletes:
            fast.delete(["x"])
        else:
            later = cut([Document("x", "what came later")], 2)
            fast.write(batch_of(later, SPACES, seed=3, fingerprint="later"))

    slow._index.server.client = Replacing(client, batch_update_points=one_by_one)
    slow.write(batch_of(cut([Document("x", "what came first")], 2), SPACES, seed=2))
    after = opened(client)
    told = {c.text for c in after.get(np.concatenate(list(after.scan())))}
    texts = "".join(c.text for c in after.get(after.document_rows(["x"])[0]))
    prints = after.fingerprints()
    assert prints.pop("y") == "1" and told - {"left alone"} == {
        c.text for c in after.get(after.document_rows(["x"])[0])
    }
    assert (prints, texts) in (
        ({"x": "later"}, "what came later"),
        ({"x": "1"}, "what came first"),
        ({}, ""),
    )
    assert to_come < 0, "nothing overtook"


def test_an_older_write_that_finishes_late_changes_nothing(client):
    store = opened(client)
    store.write(batch_of(cut([Document("x", "first")]), SPACES))
    writes = store._index.writes
    old = list(kept_documents(store._index.server, ["x"], None).values())
    store.write(batch_of(cut([Document("x", "second")]), SPACES, seed=2, fingerprint="2"))
    late = [replace(one, state=points.CHANGING) for one in old]
    writes.finish(late)
    writes.finish([replace(one, state=points.LEAVING) for one in old])
    assert store.fingerprints() == {"x": "2"}
    assert [chunk.text for chunk in store.get(store.document_rows(["x"])[0])] == ["second"]
    assert store.count() == 1


def test_two_ids_of_one_number_are_told(client, monkeypatch):
    monkeypatch.setattr(points, "_NUMBERS", 7)
    store = opened(client)
    with pytest.raises(StoreError, match="63 bits"):
        for i in range(9):
            store.write(batch_of(cut([Document(f"d{i}", f"text {i}")]), SPACES))
    monkeypatch.undo()
    again = opened(client)
    assert again.count() == len(again.fingerprints()) > 0


def test_counts_of_other_writers_are_seen_after_a_while(client):
    patient, eager = opened(client), opened(client, remember_s=0.0)
    assert patient.count() == eager.count() == 0
    opened(client).write(batch_of(cut(documents(3)), SPACES))
    assert (patient.count(), eager.count()) == (0, 3)
    assert patient.count(F("doc_id") == "d1") == 1, "what a filter finds is never remembered"
    patient.write(batch_of(cut([Document("x", "y")]), SPACES))
    assert patient.count() == 4
