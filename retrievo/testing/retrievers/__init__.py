"""What every retriever must do: subclass `RetrieverContract`, give it `make_retriever`, run pytest.

```python
class TestMyRetriever(RetrieverContract):
    def make_retriever(self, store):
        return MyRetriever(store)
```

Each file holds one group of promises: representing.py (what is kept in the store), finding.py
(order, depth, what is said of the list), scoring.py (scores of given rows, bounds, tokens),
scoping.py (filters and tenants), any_query.py (empty, odd and many queries). Needs pytest.
"""

from retrievo.testing.retrievers.any_query import AnyQuery
from retrievo.testing.retrievers.finding import Finding
from retrievo.testing.retrievers.representing import Representing
from retrievo.testing.retrievers.samples import QUERIES, TEXTS
from retrievo.testing.retrievers.scoping import Scoping
from retrievo.testing.retrievers.scoring import Scoring

__all__ = ["QUERIES", "TEXTS", "RetrieverContract"]


# As of the stores' contract: pytest collects inherited tests, so the groups are joined like this.
class RetrieverContract(Representing, Finding, Scoring, Scoping, AnyQuery):
    """The promises of a retriever; see `RetrieverHooks`.

    A test cannot be replaced or skipped; `expected_failures = {"test_name": "reason"}` names what a
    retriever is known not to do, and fails where it has come to do it.
    """
