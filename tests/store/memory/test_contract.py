from retrievo.store.memory.store import MemoryStore
from retrievo.testing.stores import StoreContract


class TestMemoryStore(StoreContract):
    def make_store(self, folder):
        return MemoryStore()
