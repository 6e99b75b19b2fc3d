"""The store contract with codes and a graph, which a real index has only from thousands of rows."""

import pytest

from retrievo.store.local import engine_config, narrowing
from retrievo.store.local.store import LocalStore
from retrievo.testing.stores import StoreContract


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(engine_config, "QUANTIZE_ABOVE", 4)
    monkeypatch.setattr(engine_config, "GRAPH_ABOVE", 8)
    monkeypatch.setattr(narrowing, "EXACT_BELOW", 3)


class TestLocalStoreWithCodesAndGraph(StoreContract):
    random_runs = 5

    def make_store(self, folder):
        return LocalStore(folder)
