"""Query vectors from a small transformer that was trained towards another encoder's vectors."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrievo.encode.cache import CacheSetting
from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.student.card import StudentCard
from retrievo.encode.transformer.backends import Backend
from retrievo.encode.transformer.precision import DType
from retrievo.errors import ConfigError, EncoderError
from retrievo.types import Vectors

_KINDS = ("layers", "external")


class TransformerStudent:
    """Queries in the space of a teacher, whose documents they meet, at a part of its cost.

    Made by `retrievo distill` of the teacher's first layers or of a smaller model; `path` is its
    folder, which sentence-transformers reads as well. The query prompt is the teacher's. Raises
    ConfigError for a folder without a card, with another kind's, or with another size than its
    card tells, EncoderError where the model cannot be loaded.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        device: str | list[str] | None = "auto",
        dtype: DType = "auto",
        backend: Backend = "torch",
        cache: CacheSetting = "off",
    ) -> None:
        self._path = Path(path).expanduser()
        self._card = StudentCard.read(self._path)
        again = "make the student again with `retrievo distill`"
        if self._card.kind not in _KINDS:
            raise ConfigError(
                f"the student in {self._path} is of the kind {self._card.kind!r}, and this encoder "
                f"is for {' and '.join(_KINDS)}: use = '{self._card.kind}-student'"
            )
        self._encoder = SentenceEncoder(
            self._path,
            device=device,
            dtype=dtype,
            backend=backend,
            cache=cache,
            normalize=_ends_normalized(self._path),
            local_files_only=True,
        )
        if self._encoder.dim != self._card.teacher.dim:
            raise ConfigError(
                f"the model in {self._path} has {self._encoder.dim} dimensions, and its card says "
                f"that the documents it meets have {self._card.teacher.dim}: the two are not of "
                f"one student; {again}"
            )
        self.cache = self._encoder.cache
        """Vectors of queries that were encoded before."""
        self.on_truncate = self._encoder.on_truncate
        """What is done with a query that is longer than `max_tokens`."""

    @property
    def card(self) -> StudentCard:
        """Whose queries it encodes, and how well."""
        return self._card

    @property
    def dim(self) -> int:
        return self._encoder.dim

    @property
    def max_tokens(self) -> int | None:
        """The most tokens that the model reads, special tokens included; None without a limit."""
        return self._encoder.max_tokens

    @property
    def fingerprint(self) -> str:
        """Changes with any weight, with the tokenizer, the pooling, the prompts and the length."""
        return self._encoder.fingerprint

    @property
    def aligned_to(self) -> str:
        """The fingerprint of the encoder whose documents its queries may meet."""
        return self._card.teacher.fingerprint

    def identity(self) -> dict[str, Any]:
        """What a passport keeps of this encoder."""
        kind = self._card.kind
        return {**self._encoder.identity(), "name": f"{kind}-student", "kind": kind}

    def close(self) -> None:
        """End the processes of several devices, where there are some, and close the cache."""
        self._encoder.close()

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given; unit length where the teacher's are.

        An empty text gives a zero row, a text longer than `max_tokens` is read to there, and a
        RetrievoWarning counts each kind. Raises EncoderError for non-finite numbers.
        """
        return self._encoder.encode_query(texts)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """Raises EncoderError: a student encodes queries only."""
        raise EncoderError(
            f"the student in {self._path} encodes queries only: it was trained for them to meet "
            f"document vectors of {self._card.teacher.model}, and meets its own worse; set the "
            "teacher in [encoder], and the student in [query_encoder]"
        )


def _ends_normalized(folder: Path) -> bool:
    """Whether the last module of the model makes its vectors unit length."""
    try:
        modules = json.loads((folder / "modules.json").read_bytes())
        return bool(modules) and str(modules[-1]["type"]).endswith(".Normalize")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"the modules of the student in {folder} cannot be read ({error}); make the student "
            "again with `retrievo distill`"
        ) from error
