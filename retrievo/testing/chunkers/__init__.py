"""What every chunker must do: subclass `ChunkerContract`, give it a `chunker`, run pytest.

```python
class TestMyChunker(ChunkerContract):
    chunk_size = 64

    @pytest.fixture
    def chunker(self):
        return MyChunker(chunk_size=64)

    def make(self, chunk_size, chunk_overlap):  # without it, other sizes are not tried
        return MyChunker(chunk_size=chunk_size, chunk_overlap=chunk_overlap)

    def make_with(self, tokenizer):             # without it, its work is not counted
        return MyChunker(chunk_size=64, tokenizer=tokenizer)

    def count(self, text):                      # without it, tokens of the static tokenizer
        return len(my_tokenizer.token_spans(text))
```

Each file holds one group of promises: spans.py (exact, in order, nothing lost), sizes.py (tokens,
overlap, titles), long_texts.py (a long line, the work that it takes), repeating.py (ids, the same
chunks again). Needs pytest and hypothesis: `pip install 'retrievo[testing]'`.
"""

from retrievo.testing.chunkers.checking import check
from retrievo.testing.chunkers.long_texts import LongTexts
from retrievo.testing.chunkers.repeating import Repeating
from retrievo.testing.chunkers.sizes import Sizes
from retrievo.testing.chunkers.spans import Spans

__all__ = ["ChunkerContract", "check"]


# As of the stores' contract: pytest collects inherited tests, so the groups are joined like this.
class ChunkerContract(Spans, Sizes, LongTexts, Repeating):
    """The promises of a chunker; see `ChunkerHooks` for what its author gives.

    A test cannot be replaced or skipped; `expected_failures = {"test_name": "reason"}` names what
    a chunker is known not to do, and fails where it has come to do it.
    """
