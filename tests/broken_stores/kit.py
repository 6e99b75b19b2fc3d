"""The contract kit on each broken store, and on those that they are made of.

It is not collected by itself: tests/store/test_kit_catches.py runs it, and expects it to be red.
"""

from hypothesis import Phase, settings

from broken_stores.caught import CAUGHT_BY
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.testing.stores import StoreContract

# A failing history is looked at for five minutes to make it shorter: here nobody reads it.
settings.register_profile("found is enough", phases=[Phase.generate], derandomize=True)
settings.load_profile("found is enough")


def contract_for(kind):
    """A class of tests such as an author of the store would write."""

    def make_store(self, folder):
        return kind(folder) if issubclass(kind, LocalStore) else kind()

    name = f"Test{kind.__name__}"
    return type(name, (StoreContract,), {"make_store": make_store, "__module__": __name__})


for _kind in (*CAUGHT_BY, MemoryStore, LocalStore):
    globals()[f"Test{_kind.__name__}"] = contract_for(_kind)
