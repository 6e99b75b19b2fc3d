"""Cuts at the best boundary under a number of tokens: what to use when nothing else is known."""

import re
from typing import Any

from retrievo.chunk.measured import Measured
from retrievo.chunk.tokenizers import name_of_tokenizer, resolve_tokenizer
from retrievo.chunk.windows import Window, Windows
from retrievo.contracts import Encoder, Tokenizer
from retrievo.errors import ConfigError
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""

_LIKELY = 16  # characters a token, seldom more
_WORD_END = re.compile(r"(?<=\S)(?=\s|$)")


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
        _check_whole("chunk_size", chunk_size, 1)
        _check_whole("chunk_overlap", chunk_overlap, 0)
        if chunk_overlap >= chunk_size:
            raise ConfigError(
                f"chunk_overlap is {chunk_overlap} and chunk_size {chunk_size}; "
                "the overlap must be smaller"
            )
        self._size, self._overlap = chunk_size, chunk_overlap
        self._tokenizer = resolve_tokenizer(tokenizer, encoder)
        self._count = getattr(self._tokenizer, "count", None)
        self._room = _room(encoder if encoder is not None else self._tokenizer)

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return name_of_tokenizer(self._tokenizer)

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks."""
        return {
            "name": "recursive",
            "chunk_size": self._size,
            "chunk_overlap": self._overlap,
            "format": FORMAT,
        }

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0.
        """
        text = document.text
        context, budget = self._context(document.title)
        lead = len(text) - len(text.lstrip())
        body = text.strip()
        title = document.title.strip()
        chunks = []
        for start, end, tokens in self._windows(body, budget):
            piece = body[start:end]
            chunks.append(
                Chunk(
                    document.id,
                    piece,
                    lead + start if piece else 0,
                    lead + end if piece else 0,
                    tokens,
                    document.metadata,
                    "" if title and piece.lstrip("# ").startswith(title) else context,
                )
            )
        return chunks

    def _windows(self, body: str, budget: int) -> list[Window]:
        if not body:
            return [(0, 0, 0)]
        # Most texts fit, and a count is cheaper than spans; a very long one hardly does.
        if self._count is not None and len(body) <= _LIKELY * budget:
            tokens = self._count(body)
            if tokens <= budget:
                return [(0, len(body), tokens)]
        measured = Measured(body, self._tokenizer)
        if len(measured.starts) <= budget:
            return [(0, len(body), len(measured.starts))]
        return Windows(measured, budget, min(self._overlap, budget - 1)).cut()

    def _context(self, title: str) -> tuple[str, int]:
        """The title, cut to a quarter of the room, and the tokens that are left for text."""
        title = title.strip()
        size = self._size if self._room is None else min(self._size, self._room)
        if not title:
            return "", size
        most = size // 4
        if len(title.encode("utf-8", "surrogatepass")) >= most:
            starts = Measured(title, self._tokenizer).starts
            if len(starts) > most:
                limit = int(starts[most])
                ends = [end.start() for end in _WORD_END.finditer(title, 0, limit)]
                title = title[: ends[-1]] if ends else ""
        if self._room is None or not title:
            return title, size
        tokens = len(Measured(f"{title}\n", self._tokenizer).starts)
        return title, max(1, min(self._size, self._room - tokens))


def _check_whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigError(f"{name} is {value!r}; a whole number from {least} is wanted")


def _room(encoder: object) -> int | None:
    """The most tokens of text that the encoder reads; None without a limit."""
    limit = getattr(encoder, "max_tokens", None)
    if limit is None:
        return None
    room = int(limit) - int(getattr(encoder, "special_tokens", 0))
    if room < 1:
        raise ConfigError(
            f"the encoder reads {limit} tokens and adds {limit - room} of its own: "
            "there is no room for text; set a larger max_tokens or a shorter prompt"
        )
    return room
