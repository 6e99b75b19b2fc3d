"""What the author of a chunker gives the kit."""

from typing import ClassVar

import pytest

from retrievo.contracts import Chunker, Tokenizer
from retrievo.encode.static_tokens import static_tokens
from retrievo.testing.refusal import RefusesOverrides


class ChunkerHooks(RefusesOverrides):
    """A fixture `chunker` must be given; the others where they say something of the chunker."""

    chunk_size: ClassVar[int | None] = None
    """The limit of `chunker` in tokens, None where it has none."""

    huge: ClassVar[int | None] = 1_000_000
    """Characters of the longest text that is tried, None to try none."""

    def count(self, text: str) -> int:
        """How many tokens the text has as the chunker counts them."""
        return static_tokens().count(text)

    def make(self, chunk_size: int, chunk_overlap: int) -> Chunker:
        """A chunker of this size and overlap, both in tokens."""
        pytest.skip("this contract has no `make`, so other sizes are not tried")

    def make_with(self, tokenizer: Tokenizer) -> Chunker:
        """A chunker of the size of `chunker` that counts with this tokenizer."""
        pytest.skip("this contract has no `make_with`, so the chunker's work is not counted")
