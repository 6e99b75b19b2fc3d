"""Small chunks to be found by, inside of large ones to be read."""

from itertools import pairwise
from typing import Any

from retrievo.arguments import check_whole
from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.cutting import Cutter, Window, chunk_of, empty_chunk, trimmed
from retrievo.chunk.measured import Measured
from retrievo.chunk.sizing import Sizing
from retrievo.contracts import Encoder, Tokenizer
from retrievo.errors import ConfigError
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""


class HierarchicalChunker:
    """Children of at most `chunk_size` tokens that know their parent, of at most `parent_size`.

    Children are what is embedded and searched; `search(..., parents=0.5)` returns a parent in the
    place of its children where at least half of them were found. Parents do not overlap; children
    repeat at most `chunk_overlap` tokens of the one before in their parent. A child keeps the white
    space that follows it in its parent, where that fits into `chunk_size`, so that the children
    hold the whole text of their parent. Both are cut at paragraphs, lines, sentences, clauses or
    words. A chunk's context is the document's title, unless its text begins with it.
    """

    def __init__(
        self,
        *,
        chunk_size: int = 128,
        chunk_overlap: int = 0,
        parent_size: int = 512,
        tokenizer: Tokenizer | str | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._sizing = Sizing(chunk_size, chunk_overlap, tokenizer, encoder)
        check_whole("parent_size", parent_size, 1)
        if parent_size <= chunk_size:
            raise ConfigError(
                f"parent_size is {parent_size} and chunk_size {chunk_size}; a parent must be "
                "larger than its children"
            )
        self._parent_size = parent_size
        # What is left free for the white space behind a child, where the tokenizer counts any.
        self._space = max(0, self._tokens("a\n\n") - self._tokens("a"))

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return self._sizing.tokenizer_name

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks."""
        return self._sizing.parameters("hierarchical", FORMAT, parent_size=self._parent_size)

    def chunk(self, document: Document) -> list[Chunk]:
        """Children in order, without white space before them; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        text = document.text
        context, budget = self._sizing.fitted(document.title)
        lead, end = trimmed(text, 0, len(text))
        if lead >= end:
            return [empty_chunk(document, context)]
        measured = Measured(text[lead:end], self._sizing.tokenizer)
        cutter = Cutter(measured, Boundaries(measured.text))
        chunks = []
        for parent in cutter.cut(0, end - lead, self._parent_size, 0):
            span = (lead + parent.start, lead + parent.end)
            for child in self._children(measured, cutter, parent, budget):
                chunks.append(chunk_of(document, lead, child, context, span))
        return chunks

    def _children(
        self, measured: Measured, cutter: Cutter, parent: Window, budget: int
    ) -> list[Window]:
        """The windows of a parent, each up to the beginning of the next where that fits."""
        small = max(1, budget - self._space) if parent.tokens > budget else budget
        found = cutter.cut(parent.start, parent.end, small, min(self._sizing.overlap, small - 1))
        for place, (child, after) in enumerate(pairwise(found)):
            if after.start > child.end:
                tokens = self._tokens(measured.text[child.start : after.start])
                if tokens <= budget:
                    found[place] = Window(child.start, after.start, max(tokens, child.tokens))
        return found

    def _tokens(self, text: str) -> int:
        return len(Measured(text, self._sizing.tokenizer).starts)
