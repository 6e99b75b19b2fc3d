"""Cuts Markdown at its headings, and keeps code, tables and lists whole."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.cutting import Cutter, empty_chunk
from retrievo.chunk.markdown_blocks import blocks, front_matter
from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import Sizing
from retrievo.chunk.structure import Preferred, cut_parts, joined, largest, parts_of, tokens_in
from retrievo.contracts import Encoder, Tokenizer
from retrievo.headings import headings, nest
from retrievo.types import Chunk, Document, Section

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


class MarkdownChunker:
    """Chunks that cross no heading, of at most `chunk_size` tokens, with their headings as context.

    Sections are the document's own where its reader found some, else those of its headings.
    Neighbours under one parent that fit into an eighth of `chunk_size` together are one chunk.
    Fenced code, tables, lists, quotes and comments are not cut where they fit; what is too long is
    cut at paragraphs, lines, sentences, clauses or words, and repeats at most `chunk_overlap`
    tokens.

    A chunk's context is the title and the headings above it, as "Guide > Keys > Rotation", without
    those that its text begins with; its metadata has the list as `headings`, unless the document
    has an entry of that name. `tokenizer` is what RecursiveChunker takes.
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
        return self._sizing.parameters("markdown", FORMAT)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        if not document.text.strip():
            return [empty_chunk(document, self._sizing.fitted(document.title)[0])]
        measured = Measured(document.text, self._sizing.tokenizer)
        text, limit = measured.text, self._sizing.limit
        tokens = partial(tokens_in, measured)
        front = front_matter(text)
        kept = largest(
            [(0, front), *((front + start, front + end) for start, end in blocks(text[front:]))],
            lambda start, end: tokens(start, end) <= limit,
        )
        cutter = Cutter(measured, Preferred(Boundaries(text), wholes=[kept]), kept=kept)
        parts = parts_of(text, document.sections or _sections(text, front))
        return cut_parts(
            document,
            joined(parts, tokens, limit // 8),
            cutter,
            self._sizing,
            key="headings",
        )


def _sections(text: str, front: int) -> Sequence[Section]:
    found = headings(text[front:])
    return nest([(level, front + start, name) for level, start, name in found])
