"""What every expander must do: subclass `ExpanderContract`, give it an `expander`, run pytest.

```python
class TestMyExpander(ExpanderContract):
    @pytest.fixture
    def expander(self, index):      # a small index in memory, for what wants a store
        return MyExpander()
```

Each file holds one group of promises: forms.py (queries, weights, words), vectors.py, any_text.py
(empty, long and odd texts), arguments.py (what is given and what comes back). Needs pytest.
"""

from retrievo.testing.expanders.any_text import AnyText
from retrievo.testing.expanders.arguments import Arguments
from retrievo.testing.expanders.checking import QUERIES, SampleIndex
from retrievo.testing.expanders.forms import Forms
from retrievo.testing.expanders.vectors import MovedVectors

__all__ = ["QUERIES", "ExpanderContract", "SampleIndex"]


# As of the stores' contract: pytest collects inherited tests, so the groups are joined like this.
class ExpanderContract(Forms, MovedVectors, AnyText, Arguments):
    """The promises of an expander; see `ExpanderHooks`.

    A test cannot be replaced or skipped; `expected_failures = {"test_name": "reason"}` names what
    an expander is known not to do, and fails where it has come to do it.
    """
