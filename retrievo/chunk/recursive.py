"""Cuts at the best boundary under a number of tokens: what to use when nothing else is known."""

from typing import Any

from retrievo.chunk.boundaries import Boundaries
from retrievo.chunk.sizing import Sizing
from retrievo.chunk.whole_text import cut_document
from retrievo.contracts import Encoder, Tokenizer
from retrievo.types import Chunk, Document

FORMAT = 2
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
        return self._sizing.parameters("recursive", FORMAT)

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        return cut_document(document, self._sizing, Boundaries)
