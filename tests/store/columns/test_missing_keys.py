"""Keys that a filter names and no chunk has are told by both stores, within a tenant's scope."""

import numpy as np
import pytest

from retrievo.contracts import Batch, Space
from retrievo.filters import F, scoped
from retrievo.passport import Passport
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Chunk, Document


@pytest.fixture(params=["memory", "local"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")
    made.open(Passport({"name": "ones"}, {"name": "whole"}, "", {"dense": Space("dense", 2)}))
    yield made
    made.close()


def write(store, tenant=None, **metadata):
    documents = [Document(name, name, one) for name, one in metadata.items()]
    items = [(d, [Chunk(d.id, d.text, 0, 1, metadata=d.metadata)]) for d in documents]
    n = len(items)
    values = {"dense": np.ones((n, 2), np.float32)}
    store.write(Batch(items, ["1"] * n, values, np.full(n, -1, np.int64), tenant))


def test_a_key_is_missing_until_a_document_has_it(store):
    wanted = (F("section") == "net") & (F("sectoin") != "net")
    write(store, a={"section": "net"}, b={})
    assert list(store.missing_keys(wanted)) == ["sectoin"]
    assert store.known_keys() == {"section"}
    write(store, c={"sectoin": None})
    assert list(store.missing_keys(wanted)) == []
    store.delete(["a"])
    assert list(store.missing_keys(wanted)) == ["section"]
    assert list(store.missing_keys(F("doc_id") == "x")) == []


def test_nothing_is_missing_from_an_empty_index(store):
    assert list(store.missing_keys(F("section") == "net")) == []


def test_a_tenant_is_told_of_its_own_keys_only(store):
    write(store, tenant="x", a={"secret": 1})
    write(store, tenant="y", a={"open": 1})
    both = (F("secret") == 1) | (F("open") == 1)
    assert list(store.missing_keys(scoped(both, "y"))) == ["secret"]
    assert list(store.missing_keys(scoped(both, "x"))) == ["open"]
    assert store.known_keys("y") == {"open"}
    assert list(store.missing_keys(scoped(both, "nobody"))) == []
    assert store.known_keys("nobody") == set()
