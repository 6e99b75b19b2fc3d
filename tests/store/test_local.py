import pytest

from retrievo.store.local import LocalStore
from retrievo.testing.stores import StoreContract


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return LocalStore(tmp_path / "index")

    def reopened(self, store):
        store.close()
        return LocalStore(store.path)
