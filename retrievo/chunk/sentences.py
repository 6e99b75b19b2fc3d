"""Windows of whole sentences."""

from typing import Any

from retrievo.chunk.sentence_ends import SentencePlaces
from retrievo.chunk.sizing import Sizing
from retrievo.chunk.whole_text import cut_document
from retrievo.contracts import Encoder, Tokenizer
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


class SentencesChunker:
    """Chunks of as many whole sentences as fit into `chunk_size` tokens.

    A chunk repeats as many of the last sentences of the one before as fit into `chunk_overlap`
    tokens. Sentences end at full stops, question and exclamation marks of Latin, CJK, Indic,
    Arabic, Armenian, Ethiopic, Khmer and Burmese scripts, but not behind abbreviations and
    initials or before a small letter; and at blank lines, headings and items of lists. A sentence
    that is too long by itself is cut at clauses and words. A chunk's context is the document's
    title, unless its text begins with it. `tokenizer` is what RecursiveChunker takes.
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
        return self._sizing.parameters("sentences", FORMAT)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        return cut_document(document, self._sizing, SentencePlaces)
