import pytest

from retrievo.store.memory import MemoryStore
from retrievo.testing.stores import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()
