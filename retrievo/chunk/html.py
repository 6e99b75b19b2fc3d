"""Cuts HTML at its headings and blocks, between tags; tables and lists stay whole."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.cutting import Cutter, empty_chunk
from retrievo.chunk.html_marks import marks, without_tags
from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import Sizing
from retrievo.chunk.structure import (
    Part,
    Preferred,
    Spans,
    cut_parts,
    joined,
    largest,
    parts_of,
    tokens_in,
)
from retrievo.contracts import Encoder, Tokenizer
from retrievo.headings import nest
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


class HtmlChunker:
    """Chunks that cross no heading, of at most `chunk_size` tokens, with their headings as context.

    For what HtmlReader made, and for documents whose text is HTML: their chunks are slices of it,
    tags and all, cut between tags. Sections are the document's own where its reader found some,
    else those of h1 to h6. Neighbours under one parent that fit into an eighth of `chunk_size`
    together are one chunk. Tables, lists, `pre` and quotes are not cut where they fit; scripts and
    styles are in chunks of their own. What is too long is cut before and behind blocks, then at
    paragraphs, lines, sentences, clauses or words, and repeats at most `chunk_overlap` tokens.

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
        return self._sizing.parameters("html", FORMAT)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        if not document.text.strip():
            return [empty_chunk(document, self._sizing.fitted(document.title)[0])]
        measured = Measured(document.text, self._sizing.tokenizer)
        text, limit = measured.text, self._sizing.limit
        tokens = partial(tokens_in, measured)
        found = marks(text)
        kept = largest(found.kept, lambda start, end: tokens(start, end) <= limit)
        places = Preferred(Boundaries(text), [found.blocks], [kept, found.tags])
        cutter = Cutter(measured, places, kept=kept)
        parts = parts_of(text, document.sections or nest(found.headings), without_tags)
        return cut_parts(
            document,
            joined(_without(parts, found.scripts), tokens, limit // 8),
            cutter,
            self._sizing,
            key="headings",
        )


def _without(parts: list[Part], scripts: Spans) -> Iterator[Part]:
    """The parts, with what is script or style in parts of its own."""
    at = 0
    for part in parts:
        start = part.start
        while at < len(scripts) and scripts[at][0] < part.end:
            begin, end = scripts[at][0], min(scripts[at][1], part.end)
            if start < begin:
                yield part._replace(start=start, end=begin, bare=False)
            yield Part(max(start, begin), end, part.path, len(part.path), apart=True)
            start = end
            part = part._replace(above=len(part.path))
            if scripts[at][1] > part.end:
                break
            at += 1
        if start < part.end:
            yield part._replace(start=start)
