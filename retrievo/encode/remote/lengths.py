"""What a service reads of a text: known by the model's tokenizer, else estimated."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tokenizers import Tokenizer as FastTokenizer

from retrievo.encode.static_tokens import static_tokens
from retrievo.encode.transformer.fitting import OnTruncate
from retrievo.encode.transformer.tokenizing import TransformerTokenizer
from retrievo.errors import ConfigError, EncoderError

SPECIALS = 2
"""Tokens that most models put around a text, where the tokenizer is not known."""

_SMALLEST = 256
"""Tokens that every common model reads."""

_SURE = 0.6


class TokenizerFile(NamedTuple):
    """A tokenizer.json, and a hash of it."""

    tokenizer: TransformerTokenizer
    digest: str


def read_tokenizer(path: str | Path, max_tokens: int | None) -> TokenizerFile:
    """The tokenizer of a tokenizer.json, or of a folder that holds one. Raises ConfigError."""
    file = Path(path).expanduser()
    file = file / "tokenizer.json" if file.is_dir() else file
    try:
        data = file.read_bytes()
        fast = FastTokenizer.from_buffer(data)
    except Exception as error:  # tokenizers raises Exception itself
        raise ConfigError(
            f"tokenizer_file = {str(path)!r} cannot be read: {error}; name the tokenizer.json of "
            "the model, or the folder that holds it"
        ) from error
    digest = hashlib.blake2b(data, digest_size=8).hexdigest()
    return TokenizerFile(TransformerTokenizer(fast, max_tokens), digest)


class EstimatedLengths:
    """Lengths by the static encoder's tokenizer, for a service that may cut and not say so."""

    def __init__(self, max_tokens: int | None, on_truncate: OnTruncate, who: str) -> None:
        self._limit = max_tokens
        self._on_truncate = on_truncate
        self._who = who

    def check(self, texts: Sequence[str], prompt: str) -> tuple[int, str]:
        """How many texts may be cut, and what to tell of them; 0 where all are read.

        Raises EncoderError, with their places, for those that are too long by the estimate, where
        `on_truncate` is "error".
        """
        limit = self._limit or _SMALLEST
        # No tokenizer makes more than one token of a byte.
        suspects = [
            place
            for place, text in enumerate(texts)
            if len((prompt + text).encode()) + SPECIALS > limit
        ]
        counts = {
            place: static_tokens().count(prompt + texts[place]) + SPECIALS for place in suspects
        }
        if self._limit is None:
            unsure = sum(count > limit for count in counts.values())
            return unsure, (
                f"texts have more than about {_SMALLEST} tokens, and nothing says how many "
                f"{self._who} reads: it may leave out the rest of each; set max_tokens in [encoder]"
            )
        long = [place for place, count in counts.items() if count > limit]
        if long and self._on_truncate == "error":
            worst = max(long, key=counts.__getitem__)
            raise EncoderError(
                f"{len(long)} of {len(texts)} texts are longer than the {limit} tokens that "
                f"{self._who} reads: one has about {counts[worst]} by the static tokenizer; set a "
                "smaller chunk_size, tokenizer_file to count exactly, or on_truncate = 'warn'",
                texts=long,
                reasons=[f"about {counts[place]} tokens, {limit} fit" for place in long],
            )
        unsure = sum(count > _SURE * limit for count in counts.values())
        return unsure, (
            f"texts may be longer than the {limit} tokens that {self._who} reads, by an estimate: "
            "the rest of each would not be in its vector; name the model's tokenizer_file in "
            "[encoder] to know, or set a smaller chunk_size"
        )
