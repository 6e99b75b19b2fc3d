"""Cuts at the best boundary under a number of tokens: what to use when nothing else is known."""

from typing import Any

from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.cutting import Cutter, Window, empty_chunk, fits, trimmed
from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import Sizing, begins_with_title
from retrievo.contracts import Encoder, Tokenizer
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


class RecursiveChunker:
    """Chunks of at most `chunk_size` tokens, cut at paragraphs, lines, sentences, clauses, words.

    The text is tokenized once. `chunk_overlap` is the most tokens that a chunk repeats of the one
    before it; it begins with a sentence where one begins there, else with a word. A chunk's
    context is the document's title, unless its text begins with it. Where the encoder has a
    limit, special tokens and context are taken from it, and the smaller of the two holds.

    `tokenizer` is an object with `token_spans(text)`, "static" or "tiktoken:cl100k_base"; without
    one the encoder's counts, and the static one where it has none.
    """

    def __init__(
        self,
        *,
        chunk_size: int = 256,
        chunk_overlap: int = 32,
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
        return self._sizing.parameters("recursive", FORMAT)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        text = document.text
        context, budget = self._sizing.fitted(document.title)
        start, end = trimmed(text, 0, len(text))
        if start >= end:
            return [empty_chunk(document, context)]
        chunks = []
        for window in self._windows(text[start:end], budget):
            piece = text[start + window.start : start + window.end]
            chunks.append(
                Chunk(
                    document.id,
                    piece,
                    start + window.start,
                    start + window.end,
                    window.tokens,
                    document.metadata,
                    "" if begins_with_title(document, piece) else context,
                )
            )
        return chunks

    def _windows(self, body: str, budget: int) -> list[Window]:
        tokens = fits(body, self._sizing.tokenizer, budget)
        if tokens is not None:
            return [Window(0, len(body), tokens)]
        measured = Measured(body, self._sizing.tokenizer)
        cutter = Cutter(measured, Boundaries(measured.text))
        return cutter.cut(0, len(body), budget, self._sizing.overlap_of(budget))
