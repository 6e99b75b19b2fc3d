"""What every encoder must do: subclass `EncoderContract`, give it an `encoder`, run pytest.

```python
class TestMyEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return MyEncoder()      # or one of a fixture with a wider scope, where it loads slowly
```

Each file holds one group of promises: rows.py (shapes, order, batches), arguments.py (what is
given and what comes back), any_text.py (empty, long and odd texts), passport.py (fingerprint,
identity, sides), threads.py, spans.py (where tokens are, and
vectors of parts of a text). Needs pytest.
"""

from retrievo.testing.encoders.any_text import AnyText
from retrievo.testing.encoders.arguments import Arguments
from retrievo.testing.encoders.checking import TEXTS
from retrievo.testing.encoders.passport import Passports
from retrievo.testing.encoders.rows import RowsInOrder
from retrievo.testing.encoders.spans import EncodedSpans, TokenSpans
from retrievo.testing.encoders.threads import Threads

__all__ = ["TEXTS", "EncoderContract"]


# As of the stores' contract: pytest collects inherited tests, so the groups are joined like this.
class EncoderContract(
    RowsInOrder, Arguments, AnyText, Passports, Threads, TokenSpans, EncodedSpans
):
    """The promises of an encoder, for queries and for documents; see `EncoderHooks`.

    A test cannot be replaced or skipped; `expected_failures = {"test_name": "reason"}` names what
    an encoder is known not to do, and fails where it has come to do it.
    """
