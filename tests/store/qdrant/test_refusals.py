"""What the store refuses before anything of it is sent, and what it keeps when a request fails."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from dying_client import Replacing, states_of
from qdrant_client import QdrantClient

from retrievo.errors import StoreError, TenantError
from retrievo.store.qdrant import points
from retrievo.store.qdrant.points import document_number
from retrievo.store.qdrant.reading import documents as kept_documents
from retrievo.store.qdrant.store import QdrantStore
from retrievo.testing.stores.samples import (
    CONFIG,
    SPACES,
    batch_of,
    cut,
    documents,
    everything_of,
    passport_of,
)

DENSE = everything_of(SPACES["dense"])
SOME = np.array([0, 1], np.uint32)


@pytest.fixture
def client():
    client = QdrantClient(":memory:")
    yield client
    client.close()


def opened(client):
    store = QdrantStore("docs", client=client)
    store.open(passport_of(SPACES), CONFIG)
    return store


def test_tenants_are_kept_apart_after_a_request_that_failed(client):
    """A write that fails before the server knows of tenants, and the same write again."""
    store = opened(client)
    failures = [ValueError("the disk is full")]

    def update_collection(*args, **arguments):
        if failures:
            raise failures.pop()
        return client.update_collection(*args, **arguments)

    store._index.server.client = Replacing(client, update_collection=update_collection)
    batch = batch_of(cut(documents(3)), SPACES, tenant="acme")
    with pytest.raises(StoreError, match="the disk is full"):
        store.write(batch)
    assert store.tenanted() is None and failures == []
    store.write(batch)
    other = opened(client)
    assert other.tenanted() is True
    with pytest.raises(TenantError):
        other.search("dense", DENSE, 5)


def test_an_emptied_index_keeps_what_it_was(client):
    """Another process may still hold it for one with tenants, and would write to it as such."""
    store, other = opened(client), opened(client)
    store.write(batch_of(cut(documents(2)), SPACES, tenant="acme"))
    assert other.tenanted() is True
    assert store.delete(["d0", "d1"], "acme") == 2 and store.document_count() == 0
    assert store.tenanted() is opened(client).tenanted() is True
    with pytest.raises(TenantError):
        store.write(batch_of(cut(documents(1)), SPACES))


def test_a_document_that_is_twice_in_a_batch_is_refused(client):
    store = opened(client)
    batch = batch_of(cut(documents(3)), SPACES)
    batch = replace(batch, items=[batch.items[0], batch.items[1], batch.items[0]])
    with pytest.raises(StoreError, match="a batch has the document 'd0' twice"):
        store.write(batch)
    assert states_of(client, "docs") == {}


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda s, rows: s.search("other", DENSE, 5), id="search"),
        pytest.param(
            lambda s, rows: s.search_together([("dense", DENSE, 5), ("other", DENSE[:0], 5)]),
            id="search_together",
        ),
        pytest.param(lambda s, rows: s.score("other", DENSE, rows[:0]), id="score"),
        pytest.param(lambda s, rows: s.vectors("other", rows), id="vectors"),
        pytest.param(lambda s, rows: s.statistics("other"), id="statistics"),
        pytest.param(lambda s, rows: s.frequencies("other", SOME), id="frequencies"),
        pytest.param(lambda s, rows: s.replace("other", rows, DENSE, None), id="replace"),
    ],
)
def test_a_representation_that_the_index_does_not_have(client, ask):
    store = opened(client)
    store.write(batch_of(cut(documents(2)), SPACES))
    rows = np.concatenate(list(store.scan()))
    with pytest.raises(StoreError, match=r"'docs' .*no representation 'other'; it has \['dense'"):
        ask(store, rows)


def test_only_a_sparse_representation_has_frequencies(client):
    with pytest.raises(StoreError, match="'dense' is dense, a sparse one is wanted"):
        opened(client).frequencies("dense", SOME)


@pytest.mark.parametrize("name", ["get", "document_numbers", "tenants"])
@pytest.mark.parametrize("row", [-1, 2, document_number(None, "d0"), 2**63 - 2])
def test_a_row_that_is_not_there(client, name, row):
    """A document's own point is none either."""
    store = opened(client)
    store.write(batch_of(cut(documents(2)), SPACES))
    with pytest.raises(StoreError, match=f"no row {row}$"):
        getattr(store, name)(np.array([store.document_rows(["d1"])[0][0], row]))


@pytest.mark.parametrize("name", list(SPACES))
def test_no_score_of_a_row_that_is_not_there(client, name):
    store = opened(client)
    store.write(batch_of(cut(documents(2)), SPACES))
    rows = np.concatenate(list(store.scan()))
    query = everything_of(SPACES[name])
    assert len(store.score(name, query, rows)[0]) == len(rows)
    for row in (-1, 2):
        with pytest.raises(StoreError, match=f"no row {row}$"):
            store.score(name, query, np.array([rows[0], row]))


@pytest.mark.parametrize("state", [points.CHANGING, points.LEAVING])
def test_no_broken_off_write_is_finished_inside_a_read(client, state):
    """What a search has found is there until it is fetched: in its own thread, an error says so."""
    store = opened(client)
    store.write(batch_of(cut(documents(1)), SPACES))
    old = kept_documents(store._index.server, ["d0"], None)["d0"]
    with store.reading(), pytest.raises(RuntimeError, match="inside that read"):
        store._index.writes.finish([replace(old, state=state)])
    assert states_of(client, "docs") == {"live": 1, "document": 1}
