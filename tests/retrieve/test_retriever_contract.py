"""The contract kit over the built-in retrievers, in memory and in a folder."""

import pytest
from word_vectors import WordVectors

from retrievo.encode.static import StaticEncoder
from retrievo.retrieve.bm25 import Bm25Retriever
from retrievo.retrieve.cascade import CascadeRetriever
from retrievo.retrieve.dense import DenseRetriever
from retrievo.retrieve.late_interaction import LateInteractionRetriever
from retrievo.retrieve.rank_bm25 import RankBm25Retriever
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.testing.retrievers import RetrieverContract


class BothStores(RetrieverContract):
    @pytest.fixture(params=["memory", "local"])
    def store(self, request, tmp_path):
        return MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")


class TestBm25(BothStores):
    def make_retriever(self, store):
        return Bm25Retriever(store)


class TestBm25OfCode(BothStores):
    def make_retriever(self, store):
        return Bm25Retriever(
            store, language="metadata:lang", languages=["english", "german"], code="auto"
        )

    @pytest.fixture(autouse=True)
    def _told(self):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the samples name no language, which is told
            yield


class TestRankBm25(BothStores):
    def make_retriever(self, store):
        return RankBm25Retriever(store, variant="plus")


class Dense(BothStores):
    @pytest.fixture(autouse=True)
    def _told(self):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the empty text
            yield


class TestDense(Dense):
    def make_retriever(self, store):
        return DenseRetriever(StaticEncoder(truncate_dim=64), store)


class TestCascade(Dense):
    def make_retriever(self, store):
        return CascadeRetriever(StaticEncoder(truncate_dim=64), store, short_dim=63)


class TestLateInteraction(Dense):
    def make_retriever(self, store):
        return LateInteractionRetriever(WordVectors(), store)


class TestPooledLateInteraction(Dense):
    def make_retriever(self, store):
        return LateInteractionRetriever(WordVectors(), store, pool_factor=2)


del BothStores, Dense, RetrieverContract
