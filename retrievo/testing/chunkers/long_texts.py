"""Long texts take work that grows as they do."""

import pytest

from retrievo.contracts import Chunker, Spans
from retrievo.encode.static_tokens import static_tokens
from retrievo.testing.chunkers.checking import check
from retrievo.testing.chunkers.hooks import ChunkerHooks
from retrievo.testing.chunkers.samples import long_texts, one_line
from retrievo.types import Document

_SHORT = 10_000
_TIMES = 4
_MOST = 1.125
"""So that time(4 n) / time(n) is at most 4.5."""


class CountingTokens:
    """Tokens of the static tokenizer; `handed` sums up the characters that it was given."""

    tokenizer_name = "counting"

    def __init__(self) -> None:
        self.handed = 0

    def token_spans(self, text: str) -> Spans:
        self.handed += len(text)
        return static_tokens().token_spans(text)


class LongTexts(ChunkerHooks):
    """A chunker reads a text once, and not what is left of it for every chunk."""

    def test_one_long_line(self, chunker: Chunker) -> None:
        if self.huge is None:
            pytest.skip("this contract tries no long text")
        chunks = check(chunker, one_line(self.huge))
        if self.chunk_size is not None:
            most = max(chunk.token_count for chunk in chunks)
            assert most <= self.chunk_size, f"a chunk of the line has {most} tokens"
            assert len(chunks) >= self.huge // 100 // self.chunk_size

    def test_work_grows_as_the_text_does(self) -> None:
        for kind, text in long_texts(_TIMES * _SHORT).items():
            short, long = self._handed(text[:_SHORT]), self._handed(text)
            assert short >= _SHORT, "the tokenizer of `make_with` was not handed the text"
            assert long <= _MOST * _TIMES * short, (
                f"{kind}: the tokenizer was handed {short:,} characters of a text of {_SHORT:,}, "
                f"and {long:,} of one of {_TIMES * _SHORT:,}"
            )

    def _handed(self, text: str) -> int:
        tokenizer = CountingTokens()
        self.make_with(tokenizer).chunk(Document("d", text))
        return tokenizer.handed
