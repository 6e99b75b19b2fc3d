"""A cache around an encoder that has none of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from retrievo.contracts import Encoder
from retrievo.encode.cache import Cache, CacheSetting
from retrievo.encode.encoded import Encoded, Side
from retrievo.encode.texts import as_texts
from retrievo.errors import EncoderError
from retrievo.telling import Counted, tell
from retrievo.tokens import without_surrogates
from retrievo.truncation import record, recording
from retrievo.types import Vectors


class CachedEncoder:
    """Another encoder that is asked only for texts whose vectors are not kept.

    `cache` is "auto", "off" or None, the path of a file, or a VectorCache. What else the encoder
    offers is offered as it is. Vectors are kept under its `fingerprint`, which must change with
    anything that changes them; a text that it records as truncated is recorded when found, too.
    """

    def __init__(self, encoder: Encoder, cache: CacheSetting) -> None:
        self._encoder = encoder
        self.cache = Cache(cache)
        """Vectors of texts that were encoded before."""
        # `isinstance(…, Tokenizer)` does not ask `__getattr__`.
        if hasattr(encoder, "token_spans"):
            self.token_spans = encoder.token_spans

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # before __init__ has run, and what Python itself looks for
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._encoder, name)

    def __repr__(self) -> str:
        return f"CachedEncoder({self._encoder!r}, {str(self.cache.path)!r})"

    def close(self) -> None:
        """Close the cache, and the encoder where it can be."""
        self.cache.close()
        close = getattr(self._encoder, "close", None)
        if close is not None:
            close()

    @property
    def dim(self) -> int:
        return self._encoder.dim

    @property
    def max_tokens(self) -> int | None:
        return self._encoder.max_tokens

    @property
    def fingerprint(self) -> str:
        return self._encoder.fingerprint

    def identity(self) -> dict[str, Any]:
        """What a passport keeps: the encoder's own, as the vectors are."""
        told = getattr(self._encoder, "identity", None)
        return dict(told()) if callable(told) else {"name": type(self._encoder).__name__}

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given."""
        return self._encode(texts, "query")

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given."""
        return self._encode(texts, "document")

    def _encode(self, texts: Sequence[str], side: Side) -> Vectors:
        given = as_texts(texts)
        whole = [place for place, text in enumerate(given) if text.strip()]
        empty = [place for place, text in enumerate(given) if not text.strip()]
        vectors = np.zeros((len(given), self.dim), np.float32)

        def make(missing: list[str]) -> Encoded:
            return self._make(missing, side)

        if empty:
            # They cost nothing, and the encoder says of them what it says.
            with _places(empty):
                vectors[empty] = self._made([given[place] for place in empty], side)
        if whole:
            kept = [given[place] for place in whole]
            asked: dict[str, Any] = {"side": side, "prompt": "", "fingerprint": self.fingerprint}
            with _places(whole):
                made = self.cache.encode(kept, dim=self.dim, make=make, **asked)
            vectors[whole] = made.vectors
            self._tell(kept, made)
        return vectors

    def _make(self, texts: list[str], side: Side) -> Encoded:
        with recording() as entries:
            vectors = self._made(texts, side)
        counts = np.full((2, len(texts)), -1, np.int32)
        # An encoder records what it read: a text without lone surrogates.
        rows = {without_surrogates(text): row for row, text in enumerate(texts)}
        rows |= {text: row for row, text in enumerate(texts)}
        for entry in entries:
            if entry.text in rows:
                counts[:, rows[entry.text]] = entry.tokens_total, entry.tokens_seen
            elif not record(*entry):
                tell(f"a text of {entry.tokens_total} tokens was cut to {entry.tokens_seen}")
        return Encoded(vectors, counts[0], counts[1])

    def _made(self, texts: list[str], side: Side) -> Vectors:
        encoder = self._encoder
        encode = encoder.encode_query if side == "query" else encoder.encode_document
        vectors = np.asarray(encode(texts), np.float32)
        if vectors.shape != (len(texts), self.dim):
            raise EncoderError(
                f"encoder {type(encoder).__name__} gave an array of shape {vectors.shape} for "
                f"{len(texts)} texts; ({len(texts)}, {self.dim}) is wanted"
            )
        return vectors

    def _tell(self, texts: list[str], made: Encoded) -> None:
        """Record what was truncated; where nobody collects that, tell how many texts they are.

        The encoder says nothing of the texts that it has just made: `_make` collects its records.
        """
        found = 0
        for place in np.flatnonzero(made.tokens_seen < made.tokens_total).tolist():
            total, seen = int(made.tokens_total[place]), int(made.tokens_seen[place])
            found += not record(texts[place], total, seen)
        if found:
            what = "texts are longer than the encoder reads: the rest of each is not in its vector"
            tell(Counted(found, len(texts), what), stacklevel=4)


@contextmanager
def _places(places: Sequence[int]) -> Iterator[None]:
    """The `texts` of an EncoderError, which are places in a part, become those in the whole."""
    try:
        yield
    except EncoderError as error:
        error.texts = tuple(places[place] for place in error.texts)
        raise
