"""Sentence vectors from a table of token vectors: no download, no model to run."""

import hashlib
import json
import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Spans
from retrievo.encode.cache import Cache, CacheSetting
from retrievo.encode.encoded import Encoded, Side
from retrievo.encode.static_tokens import (
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    static_tokens,
    wordllama_file,
)
from retrievo.encode.texts import as_texts
from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import Counted, tell
from retrievo.types import Vectors

MODEL = "wordllama-l2-supercat-256"

_WIDE_AFTER = 50_000


class StaticEncoder:
    """Mean of WordLlama's token vectors, unit length, 64, 128 or 256 numbers wide.

    The vectors are Matryoshka: the first 64 or 128 numbers are a model of their own. Query and
    document are encoded alike; there is no longest text. About 20,000 passages a second: there is
    little to save, so `cache = "auto"` keeps nothing here; the path of a file does.
    https://github.com/dleemiller/WordLlama (MIT), read from the installed package.
    """

    dense_weight = 0.4
    """Its share beside BM25 in the default fusion: its ranking is weaker than a transformer's."""

    special_tokens = 0
    max_tokens = None
    tokenizer_name = "static"

    def __init__(
        self, *, truncate_dim: Literal[64, 128, 256] = 256, cache: CacheSetting = "off"
    ) -> None:
        if truncate_dim not in (64, 128, 256):
            raise ConfigError(
                f"truncate_dim of the static encoder is {truncate_dim!r}; 64, 128 or 256 is wanted"
            )
        self._dim: int = truncate_dim
        self._tokens_seen = 0
        self.cache = Cache("off" if cache == "auto" else cache)
        """Vectors of texts that were encoded before."""

    @property
    def dim(self) -> int:
        return self._dim

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the table, of the vocabulary and of what is done with them."""
        digest = hashlib.blake2b(f"lower-case, mean, unit, {self._dim}".encode(), digest_size=16)
        for name in (WEIGHTS_FILE, TOKENIZER_FILE):
            digest.update(wordllama_file(name).read_bytes())
        return digest.hexdigest()

    def identity(self) -> dict[str, Any]:
        """What a passport keeps of this encoder."""
        return {
            "name": "static",
            "model": MODEL,
            "dim": self._dim,
            "normalize": True,
            "prompts": {},
            "dtype": "float32",
        }

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32[len(texts), dim], in the order given: as for documents."""
        return self._encode(texts, "query")

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32[len(texts), dim], in the order given.

        An empty text gives a zero row, and the call one RetrievoWarning that counts them.
        """
        return self._encode(texts, "document")

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2]: where the tokens of the text are, as it is written."""
        return static_tokens().token_spans(text)

    def count(self, text: str) -> int:
        """How many tokens the text has, as it is written."""
        return static_tokens().count(text)

    def _encode(self, texts: Sequence[str], side: Side) -> Vectors:
        texts = as_texts(texts)
        if self.cache.keeps(side):
            vectors = self.cache.encode(
                texts,
                side=side,
                prompt="",
                fingerprint=self.fingerprint,
                dim=self._dim,
                make=lambda missing: _uncounted(self._make(missing)),
            ).vectors
        else:
            vectors = self._make(texts)
        empty = len(texts) - int(np.count_nonzero(vectors.any(axis=1)))
        if empty:
            what = "texts are empty: their vectors are zero, no dense search finds them"
            tell(Counted(empty, len(texts), what), stacklevel=3)
        return vectors

    def _make(self, texts: Sequence[str]) -> Vectors:
        packed_ids = static_tokens().packed_ids
        vectors = np.zeros((len(texts), self._dim), dtype=np.float32)
        for row, text in enumerate(texts):
            # The vocabulary is cased, the table was made for lower case.
            ids = np.frombuffer(packed_ids(text.lower()), dtype=np.uint16)
            if not ids.size or not text.strip():
                continue
            self._tokens_seen += ids.size
            total = vectors[row]
            np.add.reduce(self._rows(ids), axis=0, out=total)
            # The mean points where the sum does; only the direction stays.
            length = math.sqrt(np.dot(total, total))
            if length > 0:
                total /= length
        return vectors

    def _rows(self, ids: npt.NDArray[np.uint16]) -> Vectors:
        # A query needs a few rows: they are read from the mapped file. Whoever encodes much saves
        # two thirds of the time with the table in float32, for 32 MB. The numbers are the same.
        if self._tokens_seen > _WIDE_AFTER:
            return self._wide[ids]
        return self._narrow[ids].astype(np.float32)

    @cached_property
    def _wide(self) -> Vectors:
        return self._narrow.astype(np.float32)

    @cached_property
    def _narrow(self) -> npt.NDArray[np.float16]:
        return _mapped_table(wordllama_file(WEIGHTS_FILE))[:, : self._dim]


def _uncounted(vectors: Vectors) -> Encoded:
    unknown = np.full(len(vectors), -1, np.int32)
    return Encoded(vectors, unknown, unknown)


def _mapped_table(path: Path) -> npt.NDArray[np.float16]:
    """float16[32000, 256] in the file, not copied into memory.

    The format is 8 bytes with the header's length, a JSON header, the arrays:
    https://huggingface.co/docs/safetensors. Its own reader copies all 16 MB.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size)) if size < 1_000_000 else {}
    entry = header.get("embedding.weight", {})
    shape = tuple(entry.get("shape", ()))
    if entry.get("dtype") != "F16" or shape != (32_000, 256):
        raise EncoderError(
            f"{path} holds {entry.get('dtype')}{list(shape)} as embedding.weight, F16[32000, 256] "
            "is wanted; run: pip install --force-reinstall 'wordllama>=0.4,<0.5'"
        )
    offset = 8 + size + entry["data_offsets"][0]
    table = np.memmap(path, dtype=np.float16, mode="r", offset=offset, shape=shape)
    return np.asarray(table)
