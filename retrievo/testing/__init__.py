"""Contract kits, for pytest: what every encoder, chunker and store must do."""

import pytest

# A failed `assert` of a kit then shows its values, as one in the reader's own test would.
pytest.register_assert_rewrite(
    "retrievo.testing.chunkers",
    "retrievo.testing.encoders",
    "retrievo.testing.expanders",
    "retrievo.testing.rerankers",
    "retrievo.testing.stores",
)
