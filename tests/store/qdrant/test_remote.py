"""The parts that a server alone sees: requests, payload indexes, keys that may only read."""

import numpy as np
import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from loopback_qdrant import Loopback, serving

from retrievo.errors import RetrievoWarning, StoreError
from retrievo.filters import F
from retrievo.store.qdrant.points import document_number
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
from retrievo.types import Document

PASSPORT = passport_of(SPACES)


@pytest.fixture
def engine():
    return Loopback(lossy=True)


@pytest.fixture
def url(engine):
    with serving(engine) as url:
        yield url


def opened(url, **settings):
    store = QdrantStore("docs", url=url, **settings)
    store.open(PASSPORT, CONFIG)
    return store


def asked(engine, act):
    """The requests of an act, in their order."""
    before = len(engine.asked)
    act()
    return [f"{method} {path}".strip() for method, path in engine.asked[before:]]


def test_payload_indexes_are_made_once_and_new_ones_added(engine, url):
    opened(url).close()
    own = {"state", "tenant", "doc", "write", "chunk", "match.doc_id", "lengths.lexical"}
    assert engine.indexes["docs"] == own
    opened(url, indexed=["lang"]).close()
    assert engine.indexes["docs"] == {*own, "match.lang"}
    opened(url, indexed={"year": "number", "day": "date", "a.b": "keyword"}).close()
    assert engine.indexes["docs"] == {
        *own, "match.lang", "match.year", "number.year", "low.year", "high.year", "match.day",
        "moment.day", "match.a-2eb",
    }  # fmt: skip
    again = asked(engine, lambda: opened(url, indexed=["lang"]).close())
    assert "PUT index" not in again


def test_a_batch_takes_few_requests(engine, url):
    store = opened(url)
    store.write(batch_of(cut(documents(30), 2), SPACES))
    new = batch_of(cut([Document("x", "y"), Document("d1", "edited")], 2), SPACES, seed=2)
    writes = asked(engine, lambda: store.write(new))
    assert writes.count("PUT points") == 1 and writes.count("POST points/batch") == 1
    assert len(writes) <= 6, writes


def test_a_batch_larger_than_a_request_is_cut(engine, url):
    store = opened(url, batch_bytes=3_000)
    writes = asked(engine, lambda: store.write(batch_of(cut(documents(30), 2), SPACES)))
    assert writes.count("PUT points") > 5
    assert store.count() == 60


def test_a_search_is_one_request_unless_it_comes_back_short(engine, url):
    store = opened(url)
    store.write(batch_of(cut(documents(30), 2), SPACES))
    store.tenanted()
    query, lexical = everything_of(SPACES["dense"]), everything_of(SPACES["lexical"])
    one = asked(engine, lambda: store.search("lexical", lexical, 5, F("year") >= 2020))
    assert one == ["POST points/query/batch"]
    many = asked(
        engine, lambda: store.search_together([("dense", query, 5), ("lexical", lexical, 5)])
    )
    # The careless graph gave two of five: the dense one was asked again, exactly.
    assert many == ["POST points/query/batch"] * 2
    assert len(store.search("dense", query, 5)[0]) == 5
    exact = opened(url, exact=True)
    exact.tenanted()
    assert len(asked(engine, lambda: exact.search("dense", query, 5))) == 1


def test_a_filter_that_the_server_cannot_decide(engine, url):
    store = opened(url)
    store.write(batch_of(cut(documents(30), 2), SPACES))
    query = everything_of(SPACES["dense"])
    wanted = F("note").contains("quote")
    right = {row for rows in store.scan() for row, chunk in zip(rows, store.get(rows), strict=True)
             if "quote" in str(chunk.metadata.get("note"))}  # fmt: skip
    found = store.search("dense", query, 100, wanted)[0]
    assert set(found.rows.tolist()) == right and right
    assert store.count(wanted) == len(right)


def test_a_key_that_may_only_read_opens_and_searches(engine, url):
    store = opened(url)
    store.write(batch_of(cut(documents(3)), SPACES))
    rows = np.concatenate(list(store.scan()))
    engine.read_only = True
    reader = QdrantStore("docs", url=url)
    reader.open(None)
    assert len(reader.search("dense", everything_of(SPACES["dense"]), 9)[0]) == len(rows)
    with pytest.raises(StoreError, match="may read and write"):
        reader.delete(["d1"])
    with pytest.raises(StoreError, match=r"payload's 'match\.lang': refused"):
        QdrantStore("docs", url=url, indexed=["lang"]).open(None)
    engine.client.set_payload("docs", {"state": "changing"}, [document_number(None, "d1")])
    with pytest.warns(RetrievoWarning, match="broken off"):
        QdrantStore("docs", url=url).open(None)


def test_what_was_removed_on_the_server_is_told(engine, url):
    store = opened(url)
    store.write(batch_of(cut(documents(3)), SPACES))
    engine.client.delete_collection("docs")
    with pytest.raises(StoreError, match="'docs' was removed on the server, open the index again"):
        store.search("dense", everything_of(SPACES["dense"]), 3)
