from retrievo.store.memory import MemoryStore
from retrievo.testing.stores import StoreContract


class TestMemoryStore(StoreContract):
    def make_store(self, folder):
        return MemoryStore()
