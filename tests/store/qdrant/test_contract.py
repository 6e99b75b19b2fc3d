"""The store contract on qdrant-client's imitation of a server, and on a server where there is one.

What a socket may change of it is in test_over_http.py.

QDRANT_URL names the server (and QDRANT_API_KEY its key): each test makes a collection of its own
and removes it.
"""

import os
import uuid

import pytest

pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")

from qdrant_client import QdrantClient

from retrievo.store.qdrant.store import QdrantStore
from retrievo.testing.stores import StoreContract

URL = os.environ.get("QDRANT_URL")


class TestShared(StoreContract):
    """A client that outlives the store stands for a server: what was written is there again."""

    random_runs = 6

    @pytest.fixture(autouse=True)
    def _client(self):
        self.client = QdrantClient(":memory:")
        yield
        self.client.close()

    def make_store(self, folder):
        return QdrantStore(folder.name, client=self.client, batch_bytes=2_000)

    def after_a_kill(self, store, folder, copy):
        return self.make_store(folder)


class TestServer(StoreContract):
    """A collection for each folder of a test."""

    @pytest.fixture(autouse=True)
    def _collections(self):
        self.run = uuid.uuid4().hex
        self.made = set()
        yield
        if not self.made:
            return
        client = QdrantClient(url=URL, api_key=os.environ.get("QDRANT_API_KEY"))
        for name in self.made:
            client.delete_collection(name)
        client.close()

    def make_store(self, folder):
        if not URL:
            pytest.skip("QDRANT_URL names no Qdrant server")
        name = f"retrievo-test-{self.run}-{folder.name}"
        self.made.add(name)
        return QdrantStore(name, url=URL, batch_bytes=20_000, remember_s=0)

    def after_a_kill(self, store, folder, copy):
        return self.make_store(folder)
