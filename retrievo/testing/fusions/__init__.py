"""What every fusion must do: subclass `FusionContract`, give it a `fusion`, run pytest.

```python
class TestMyFusion(FusionContract):
    @pytest.fixture
    def fusion(self):
        return MyFusion()      # of branches that the fixture `names` names: "dense" and "bm25"
```

Each file holds one group of promises: lists.py (what comes back, and that it adds up), silence.py
(branches that say nothing, or nonsense), weighing.py (weights, where it has `weighed`). Needs
pytest.
"""

from retrievo.testing.fusions.lists import Lists
from retrievo.testing.fusions.silence import Silence
from retrievo.testing.fusions.weighing import Weighing

__all__ = ["FusionContract"]


# As of the stores' contract: pytest collects inherited tests, so the groups are joined like this.
class FusionContract(Lists, Silence, Weighing):
    """The promises of a fusion; see `FusionHooks`.

    A test cannot be replaced or skipped; `expected_failures = {"test_name": "reason"}` names what
    a fusion is known not to do, and fails where it has come to do it.
    """
