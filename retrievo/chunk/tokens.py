"""Windows of so many tokens, wherever they end: for budgets of an LLM, and as a baseline."""

from typing import Any

from retrievo.chunk.characters import inside_character
from retrievo.chunk.sizing import Sizing
from retrievo.chunk.whole_text import cut_document
from retrievo.contracts import Encoder, Tokenizer
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


class TokensChunker:
    """Chunks of `chunk_size` tokens that repeat `chunk_overlap` of the one before.

    They are cut between tokens, in words too, never inside of what is read as one character. A
    chunk has fewer tokens where its slice, counted alone, would have more than its share of the
    whole. A chunk's context is the document's title, unless its text begins with it. `tokenizer`
    is what RecursiveChunker takes: "tiktoken:o200k_base", say.
    """

    def __init__(
        self,
        *,
        chunk_size: int = 256,
        chunk_overlap: int | None = None,
        tokenizer: Tokenizer | str | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._sizing = Sizing(chunk_size, chunk_overlap, tokenizer, encoder)

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return self._sizing.tokenizer_name

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks."""
        return self._sizing.parameters("tokens", FORMAT)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        return cut_document(document, self._sizing, TokenPlaces)


class TokenPlaces:
    """Any place between two tokens is as good as another."""

    def __init__(self, text: str) -> None:
        self._text = text

    def last(self, low: int, middle: int, limit: int) -> int:
        place = limit
        while place > low and inside_character(self._text, place):
            place -= 1
        return place

    def first(self, low: int, high: int) -> int:
        place = low
        while place < high and inside_character(self._text, place):
            place += 1
        return place
