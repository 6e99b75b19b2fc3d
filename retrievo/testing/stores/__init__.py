"""What every store must do: subclass `StoreContract`, say how one is made, run pytest.

```python
class TestMyStore(StoreContract):
    def make_store(self, folder):
        return MyStore(folder)
```

Each file holds one group of promises: lifecycle.py (open, close, reopen, kill), writing.py,
searching.py, filtering.py, identity.py (ids and texts), tenancy.py, concurrency.py, declaring.py
(capabilities), maintaining.py, machine.py (random histories). All of them hold the store against
model.py, which shares no code with any store. Needs pytest and hypothesis.
"""

from retrievo.testing.stores.concurrency import Concurrency
from retrievo.testing.stores.declaring import Declaring
from retrievo.testing.stores.filtering import Filtering
from retrievo.testing.stores.identity import Identity
from retrievo.testing.stores.lifecycle import Lifecycle
from retrievo.testing.stores.machine import RandomHistories
from retrievo.testing.stores.maintaining import Maintaining
from retrievo.testing.stores.searching import Searching
from retrievo.testing.stores.tenancy import Tenancy
from retrievo.testing.stores.writing import Writing

__all__ = ["StoreContract"]


# Pytest collects a class's tests, inherited ones too, and nothing else: that is why the groups are
# joined by inheritance, which nothing else here is.
class StoreContract(
    Lifecycle,
    Writing,
    Searching,
    Filtering,
    Identity,
    Tenancy,
    Declaring,
    Maintaining,
    Concurrency,
    RandomHistories,
):
    """Every promise of a store. `make_store(folder)` must be given; see `StoreHooks`.

    A test cannot be replaced or skipped; `expected_failures = {"test_name": "reason"}` names what a
    store is known not to do, and fails where it has come to do it.
    """
