"""What every reranker must do: subclass `RerankerContract`, give it a `reranker`, run pytest.

```python
class TestMyReranker(RerankerContract):
    @pytest.fixture
    def reranker(self, index):      # a small index in memory, for what wants a store
        return MyReranker()
```

Each file holds one group of promises: positions.py (what comes back, how much, in which order),
found.py (what a search hands over, and how much), any_text.py (empty, long and odd texts),
arguments.py (what is given stays, and what comes back is the caller's). Needs pytest.
"""

from retrievo.testing.rerankers.any_text import AnyText
from retrievo.testing.rerankers.arguments import Arguments
from retrievo.testing.rerankers.checking import QUERIES, TEXTS, SampleIndex, chunks_of, ranked
from retrievo.testing.rerankers.found import WhatWasFound
from retrievo.testing.rerankers.positions import Positions

__all__ = ["QUERIES", "TEXTS", "RerankerContract", "SampleIndex", "chunks_of", "ranked"]


# As of the stores' contract: pytest collects inherited tests, so the groups are joined like this.
class RerankerContract(Positions, WhatWasFound, AnyText, Arguments):
    """The promises of a reranker; see `RerankerHooks`.

    A test cannot be replaced or skipped; `expected_failures = {"test_name": "reason"}` names what
    a reranker is known not to do, and fails where it has come to do it.
    """
