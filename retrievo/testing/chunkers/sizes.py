"""No chunk has more tokens than it may, and no more of them come twice than was asked for."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings

from retrievo.contracts import Chunker
from retrievo.testing.chunkers.checking import check
from retrievo.testing.chunkers.hooks import ChunkerHooks
from retrievo.testing.chunkers.samples import SIZES, TEXTS
from retrievo.testing.texts import ZOO
from retrievo.tokens import without_surrogates
from retrievo.types import Chunk, Document

_LONG_TITLE = "A title that goes on " * 100


class Sizes(ChunkerHooks):
    """How many tokens chunks have."""

    @pytest.mark.parametrize("name", ZOO)
    def test_no_chunk_is_over_the_size(self, chunker: Chunker, name: str) -> None:
        if self.chunk_size is None:
            pytest.skip("this chunker has no size in tokens")
        for chunk in check(chunker, ZOO[name]):
            assert self._counted(chunk) <= self.chunk_size, f"{chunk.text!r} has too many tokens"

    def test_a_long_title_changes_no_promise(self, chunker: Chunker) -> None:
        for chunk in check(chunker, ZOO["abbreviations"], _LONG_TITLE):
            tokens = self._counted(chunk)
            if self.chunk_size is not None:
                assert tokens <= self.chunk_size, f"{chunk.text!r} has too many tokens"

    @given(text=TEXTS, sizes=SIZES)
    @settings(
        deadline=None, max_examples=80, suppress_health_check=[HealthCheck.differing_executors]
    )
    def test_any_text_any_size_any_overlap(self, text: str, sizes: tuple[int, int]) -> None:
        size, overlap = sizes
        chunks = check(self.make(size, overlap), text)
        for chunk in chunks:
            # One code point may have more tokens than that.
            fits = self._counted(chunk) <= size or len(chunk.text) == 1
            assert fits, f"{chunk.text!r} has more than {size} tokens"
        for before, after in pairwise(chunks):
            assert (before.start, before.end) != (after.start, after.end), "a chunk comes twice"
            shared = text[after.start : before.end]
            assert overlap or not shared, f"{shared!r} is in two chunks, and 0 was asked for"
            again = self.count(without_surrogates(shared))
            assert again <= overlap, f"{shared!r} is in two chunks, and has {again} tokens"

    def test_the_title_is_not_in_the_text(self, chunker: Chunker) -> None:
        text = "Nothing here names it. " * 3
        for chunk in chunker.chunk(Document("d", text, {}, "Quaggas")):
            assert "Quaggas" not in chunk.text, "a title belongs into a chunk's context"

    def _counted(self, chunk: Chunk) -> int:
        """The tokens of a chunk, which its own count may exceed and not fall short of."""
        tokens = self.count(without_surrogates(chunk.text))
        assert chunk.token_count >= tokens, (
            f"token_count is {chunk.token_count}, and {chunk.text!r} has {tokens}; "
            "exact is wanted, or more where all fits"
        )
        return tokens
