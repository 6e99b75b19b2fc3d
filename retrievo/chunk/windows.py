"""Small windows for long documents: what an encoder that reads little finds most with."""

from typing import Any

from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.cutting import Cutter, Window, empty_chunk, fits, trimmed
from retrievo.chunk.measured import Measured
from retrievo.chunk.recursive import RecursiveChunker
from retrievo.chunk.sizing import Sizing, begins_with_title
from retrievo.contracts import Encoder, Tokenizer
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


SMALL, LARGE = 128, 256
"""Tokens of a chunk where none are asked for: of a long document, and of one that is not."""


class WindowsChunker:
    """Windows of a document that is longer than the encoder's window, of others what fits better.

    The windows have at most 128 tokens, are cut at paragraphs, lines, sentences, clauses or words,
    and repeat at most `chunk_overlap` tokens of the one before. A document is found by its best
    window (MaxP; Dai and Callan 2019): one fact among many pages stands out in a vector of 128
    tokens and drowns in one of 512. A document that the encoder reads at once, title and special
    tokens included, is cut as RecursiveChunker cuts it, into 256 tokens; so are all of them for an
    encoder without a limit. A `chunk_size` holds for both.

    A chunk's context is the document's title, unless its text begins with it. `tokenizer` is what
    RecursiveChunker takes.
    """

    def __init__(
        self,
        *,
        chunk_size: int | None = None,
        chunk_overlap: int = 32,
        tokenizer: Tokenizer | str | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        small, large = (SMALL, LARGE) if chunk_size is None else (chunk_size, chunk_size)
        self._sizing = Sizing(small, chunk_overlap, tokenizer, encoder)
        self._short = RecursiveChunker(
            chunk_size=large, chunk_overlap=chunk_overlap, tokenizer=tokenizer, encoder=encoder
        )

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return self._sizing.tokenizer_name

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks.

        Where no document is longer than the encoder's window, those of RecursiveChunker.
        """
        room = self._sizing.room
        if room is None:
            return self._short.parameters()
        short = self._short.parameters()["chunk_size"]
        return self._sizing.parameters("windows", FORMAT, window=room, short=short)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        text, room = document.text, self._sizing.room
        start, end = trimmed(text, 0, len(text))
        context, budget = self._sizing.fitted(document.title)
        if start >= end:
            return [empty_chunk(document, context)]
        if room is None:
            return self._short.chunk(document)
        body = text[start:end]
        free = room - self._sizing.tokens_of(context)
        if fits(body, self._sizing.tokenizer, free) is not None:
            return self._short.chunk(document)
        measured = Measured(body, self._sizing.tokenizer)
        if len(measured.starts) <= free:
            return self._short.chunk(document)
        cutter = Cutter(measured, Boundaries(measured.text))
        windows = cutter.cut(0, len(body), budget, self._sizing.overlap_of(budget))
        return [self._chunk(document, start, window, context) for window in windows]

    def _chunk(self, document: Document, lead: int, window: Window, context: str) -> Chunk:
        start, end = lead + window.start, lead + window.end
        piece = document.text[start:end]
        return Chunk(
            document.id,
            piece,
            start,
            end,
            window.tokens,
            document.metadata,
            "" if begins_with_title(document, piece) else context,
        )
