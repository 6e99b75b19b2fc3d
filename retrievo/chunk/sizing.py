"""How large chunks may be: the size that was asked for, the encoder's limit, and the context."""

import re
from typing import Any

from retrievo.arguments import check_whole
from retrievo.chunk.measured import Measured
from retrievo.chunk.tokenizers import name_of_tokenizer, resolve_tokenizer
from retrievo.contracts import Encoder, Tokenizer
from retrievo.errors import ConfigError

_LAST_WORD = re.compile(r"\S+\Z")
_UNSPACED = "\u0e00"
"""Thai, and from there on the scripts that put no spaces between words."""


OVERLAP = 32
"""Tokens of overlap where none are asked for: half of a chunk that has fewer than 64."""


class Sizing:
    """The size and overlap of a chunker in tokens, and the tokenizer that counts them.

    `tokenizer` is an object with `token_spans(text)`, "static" or "tiktoken:cl100k_base"; without
    one the encoder's counts, and the static one where it has none. Where the encoder has a limit,
    special tokens and context are taken from it, and the smaller of that and the size holds.
    Raises ConfigError for sizes that are none.
    """

    def __init__(
        self,
        chunk_size: int,
        chunk_overlap: int | None,
        tokenizer: Tokenizer | str | None,
        encoder: Encoder | None,
    ) -> None:
        check_whole("chunk_size", chunk_size, 1)
        if chunk_overlap is None:
            chunk_overlap = min(OVERLAP, chunk_size // 2)
        check_whole("chunk_overlap", chunk_overlap, 0)
        if chunk_overlap >= chunk_size:
            raise ConfigError(
                f"chunk_overlap is {chunk_overlap} and chunk_size {chunk_size}; "
                "the overlap must be smaller"
            )
        self.size, self.overlap = chunk_size, chunk_overlap
        self.tokenizer = resolve_tokenizer(tokenizer, encoder)
        self.room = _room(encoder if encoder is not None else self.tokenizer)
        """The most tokens of text and context that the encoder reads; None without a limit."""

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return name_of_tokenizer(self.tokenizer)

    @property
    def limit(self) -> int:
        """The most tokens of a chunk without context."""
        return self.size if self.room is None else min(self.size, self.room)

    def parameters(self, name: str, form: int, **more: Any) -> dict[str, Any]:
        """What a passport keeps of a chunker: with other values it makes other chunks.

        `form` counts up when the same text and the same parameters give other chunks.
        """
        return {
            "name": name,
            "chunk_size": self.size,
            "chunk_overlap": self.overlap,
            "format": form,
            **more,
        }

    def overlap_of(self, budget: int) -> int:
        """The overlap where chunks have `budget` tokens: smaller than that."""
        return min(self.overlap, budget - 1)

    def fitted(self, context: str) -> tuple[str, int]:
        """The context, cut to a quarter of the room, and the tokens that are left for text."""
        context = context.strip()
        size = self.limit
        if not context:
            return "", size
        most = size // 4
        if len(context.encode("utf-8", "surrogatepass")) >= most:
            context = first_tokens(context, most, self.tokenizer)
        if self.room is None or not context:
            return context, size
        return context, max(1, min(self.size, self.room - self.tokens_of(context)))

    def tokens_of(self, context: str) -> int:
        """The tokens that a context takes before a text."""
        return len(Measured(f"{context}\n", self.tokenizer).starts) if context else 0


def first_tokens(text: str, most: int, tokenizer: Tokenizer) -> str:
    """The beginning of a text with at most so many of its tokens, in whole words.

    In scripts without spaces it ends between two tokens. "" where not one word fits.
    """
    starts = Measured(text, tokenizer).starts
    if most >= len(starts):
        return text
    if most <= 0:
        return ""
    limit = int(starts[most])
    part = text[:limit]
    if not (text[limit].isspace() or part[-1:].isspace()) and part[-1:] < _UNSPACED:
        part = _LAST_WORD.sub("", part)
    return part.rstrip()


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
