"""Small windows for long documents: what an encoder that reads little finds most with."""

from typing import Any

from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.cutting import fits, trimmed
from retrievo.chunk.measured import Measured
from retrievo.chunk.recursive import RecursiveChunker
from retrievo.chunk.sizing import Sizing
from retrievo.chunk.whole_text import cut_document
from retrievo.contracts import Encoder, Tokenizer
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


SMALL, LARGE = 128, 256
"""Tokens of a chunk where none are asked for."""

SHORT_SIGHTED = 512
"""An encoder that reads no more tokens than this gets small windows of every document."""


class WindowsChunker:
    """Windows of 128 tokens for documents that are longer than the encoder's window.

    They are cut at paragraphs, lines, sentences, clauses or words, and repeat at most
    `chunk_overlap` tokens of the one before. A document is found by its best window (MaxP; Dai and
    Callan 2019): one fact among many pages stands out in a vector of 128 tokens and drowns in one
    of 512. Where the encoder reads at most 512 tokens, all documents are cut so: chunks of one
    index are best alike in size. Of an encoder that reads more, documents that it reads at once
    (title and special tokens included) have chunks of 256 tokens; and so have all where it has no
    limit. A `chunk_size` holds for all documents.

    A chunk's context is the document's title, unless its text begins with it. `tokenizer` is what
    RecursiveChunker takes.
    """

    def __init__(
        self,
        *,
        chunk_size: int | None = None,
        chunk_overlap: int | None = None,
        tokenizer: Tokenizer | str | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._sizing = Sizing(
            SMALL if chunk_size is None else chunk_size, chunk_overlap, tokenizer, encoder
        )
        room = self._sizing.room
        size = SMALL if room is not None and room <= SHORT_SIGHTED else LARGE
        size = size if chunk_size is None else chunk_size
        self._short = RecursiveChunker(
            chunk_size=size, chunk_overlap=chunk_overlap, tokenizer=tokenizer, encoder=encoder
        )
        self._window = None if size == self._sizing.size else room
        """The most tokens of a document that is cut otherwise than longer ones, if any is."""

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return self._sizing.tokenizer_name

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks.

        Those of RecursiveChunker where all documents are cut alike.
        """
        if self._window is None:
            return self._short.parameters()
        short = self._short.parameters()["chunk_size"]
        return self._sizing.parameters("windows", FORMAT, window=self._window, short=short)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        if self._window is None:
            return self._short.chunk(document)
        start, end = trimmed(document.text, 0, len(document.text))
        body, tokenizer = document.text[start:end], self._sizing.tokenizer
        free = self._window - self._sizing.tokens_of(self._sizing.fitted(document.title)[0])
        short = fits(body, tokenizer, free) is not None
        if short or len(Measured(body, tokenizer).starts) <= free:
            return self._short.chunk(document)
        return cut_document(document, self._sizing, Boundaries)
