from retrievo.store.local.store import LocalStore
from retrievo.testing.stores import StoreContract


class TestLocalStore(StoreContract):
    def make_store(self, folder):
        return LocalStore(folder)
