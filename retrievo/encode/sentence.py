"""Any model of sentence-transformers, from the hub or from a local directory."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer as FastTokenizer

from retrievo.contracts import Spans
from retrievo.encode.hub import load_model
from retrievo.encode.probe import PROBE, fingerprint_of
from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import tell
from retrievo.tokens import spans_in_pieces, without_surrogates
from retrievo.types import Vectors

_DOCUMENT_PROMPTS = ("document", "passage", "corpus")


class SentenceEncoder:
    """Vectors of a SentenceTransformer, unit length unless `normalize` is False, float32.

    `model` is a name on the hub, a local directory, or a SentenceTransformer. `truncate_dim`
    keeps the first numbers of a vector (Matryoshka models) and comes before the normalisation.
    `query_prompt` and `document_prompt` are put before a text; without them the model's own are,
    which `prompts` overrides by name. `device` None takes what the machine has.
    """

    dense_weight = 0.5
    """Its share beside BM25 in the default fusion."""

    def __init__(
        self,
        model: str | Path | SentenceTransformer,
        *,
        device: str | None = "cpu",
        batch_size: int = 32,
        truncate_dim: int | None = None,
        normalize: bool = True,
        prompts: dict[str, str] | None = None,
        query_prompt: str | None = None,
        document_prompt: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        show_progress: bool = False,
    ) -> None:
        if isinstance(model, SentenceTransformer):
            self._model = model
            self._name = str(getattr(model.model_card_data, "base_model", None) or "given")
        else:
            self._model = load_model(
                str(model),
                device=device,
                trust_remote_code=trust_remote_code,
                revision=revision,
                local_files_only=local_files_only,
            )
            # A directory's place says nothing of the model, and differs between machines.
            path = Path(model).expanduser()
            self._name = path.resolve().name if path.is_dir() else str(model)
        self._model.eval()
        whole = _dim_of(self._model)
        if truncate_dim is not None and not 1 <= truncate_dim <= whole:
            raise ConfigError(
                f"truncate_dim is {truncate_dim}; the model {self._name} has {whole} dimensions"
            )
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; a number from 1 is wanted")
        self._truncate_dim = truncate_dim
        self._dim = truncate_dim or whole
        self._normalize, self._batch_size = normalize, batch_size
        self._show_progress = show_progress
        known: dict[str, str | None] = {**self._model.prompts, **(prompts or {})}
        named = next((found for name in _DOCUMENT_PROMPTS if (found := known.get(name))), "")
        self._query_prompt = known.get("query") or "" if query_prompt is None else query_prompt
        self._document_prompt = named if document_prompt is None else document_prompt

    @property
    def dim(self) -> int:
        return self._dim

    @property
    def max_tokens(self) -> int | None:
        """The most tokens that the model reads, special tokens included; None without a limit."""
        limit = self._model.max_seq_length
        return None if limit is None else int(limit)

    @cached_property
    def special_tokens(self) -> int:
        """Tokens that the model adds to each document: its special ones, and the prompt's."""
        if self._tokenizer is None:
            return 0
        added = self._tokenizer.encode(self._document_prompt, add_special_tokens=True)
        return len(added.ids)

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls this tokenizer."""
        return f"sentence-transformers:{self._name}"

    @cached_property
    def fingerprint(self) -> str:
        """Changes with any weight, with the tokenizer, the pooling, the prompts and the length."""
        modules = [_told(module) for module in self._model]
        probe = self._tokenizer.encode(PROBE, add_special_tokens=True) if self._tokenizer else None
        settings = {
            "modules": modules,
            "probe": probe.ids if probe else None,
            "prompts": [self._query_prompt, self._document_prompt],
            "max_tokens": self.max_tokens,
            "dim": self._dim,
            "normalize": self._normalize,
        }
        return fingerprint_of(self._weights(), settings)

    def identity(self) -> dict[str, Any]:
        """What a passport keeps of this encoder."""
        return {
            "name": "sentence-transformers",
            "model": self._name,
            "dim": self._dim,
            "normalize": self._normalize,
            "prompts": {"query": self._query_prompt, "document": self._document_prompt},
            "max_tokens": self.max_tokens,
            "dtype": str(next(iter(self._model.parameters())).dtype).removeprefix("torch."),
        }

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given; empty texts and long ones as documents."""
        return self._encode(texts, self._query_prompt, self._model.encode_query)

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given.

        An empty text gives a zero row; of a text longer than `max_tokens` only the beginning is
        read. A RetrievoWarning counts each kind. Raises EncoderError for a non-finite number.
        """
        return self._encode(texts, self._document_prompt, self._model.encode_document)

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2]: where the tokens of the text are, in characters, without special tokens.

        Raises EncoderError where the model has no fast tokenizer.
        """
        if self._tokenizer is None:
            raise EncoderError(
                f"the model {self._name} has no tokenizer that tells where its tokens are; "
                "set tokenizer = 'static' in [chunker]"
            )
        return spans_in_pieces(self._piece_spans, without_surrogates(text))

    def _piece_spans(self, piece: str) -> Spans:
        offsets = self._tokenizer.encode(piece, add_special_tokens=False).offsets
        return np.array(offsets, dtype=np.int32).reshape(-1, 2)

    def _encode(self, texts: Sequence[str], prompt: str, encode: Any) -> Vectors:
        vectors = np.zeros((len(texts), self._dim), dtype=np.float32)
        rows = [row for row, text in enumerate(texts) if text.strip()]
        given = [without_surrogates(texts[row]) for row in rows]
        if given:
            made = encode(
                given,
                prompt=prompt,
                batch_size=self._batch_size,
                show_progress_bar=self._show_progress,
                normalize_embeddings=self._normalize,
                truncate_dim=self._truncate_dim,
                convert_to_numpy=True,
            )
            vectors[rows] = self._checked(np.asarray(made, dtype=np.float32), len(given))
        self._tell(len(texts) - len(rows), self._too_long(given, prompt), len(texts))
        return vectors

    def _checked(self, made: Vectors, n: int) -> Vectors:
        if made.shape != (n, self._dim):
            raise EncoderError(
                f"the model {self._name} gave an array {made.shape} for {n} texts, "
                f"({n}, {self._dim}) is wanted"
            )
        bad = ~np.isfinite(made).all(axis=1)
        if bad.any():
            raise EncoderError(
                f"the model {self._name} gave non-finite numbers for {int(bad.sum())} of {n} "
                "texts; its weights may be damaged, or its dtype too narrow"
            )
        return made

    def _too_long(self, texts: Sequence[str], prompt: str) -> int:
        """How many texts are cut; those whose bytes show that they fit are not tokenized."""
        limit = self.max_tokens
        if limit is None or self._tokenizer is None:
            return 0
        room = limit - len(self._tokenizer.encode(prompt, add_special_tokens=True).ids)
        # Normalisation may make several characters of one, but of none in ASCII.
        suspects = [text for text in texts if len(text) > room or not text.isascii()]
        return sum(len(self.token_spans(text)) > room for text in suspects)

    def _tell(self, empty: int, long: int, n: int) -> None:
        if empty:
            tell(
                f"{empty} of {n} texts are empty: their vectors are zero, "
                "no dense search finds them",
                stacklevel=4,
            )
        if long:
            tell(
                f"{long} of {n} texts are longer than the {self.max_tokens} tokens that "
                f"{self._name} reads: the rest of each is not in its vector; set a smaller "
                "chunk_size",
                stacklevel=4,
            )

    def _weights(self) -> Iterator[tuple[tuple[int, ...], str, npt.NDArray[np.uint8]]]:
        for name, tensor in self._model.state_dict().items():
            if name.endswith("_ids"):  # position_ids are constants, which some versions save
                continue
            flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            yield tuple(tensor.shape), str(tensor.dtype), flat.numpy()

    @cached_property
    def _tokenizer(self) -> Any:
        """A copy of the fast tokenizer that cuts nothing, None without one.

        A copy, because the model sets truncation and padding on its own while it encodes, which
        another thread must not change.
        """
        fast = getattr(getattr(self._model, "tokenizer", None), "backend_tokenizer", None)
        if fast is None:
            return None
        copy = FastTokenizer.from_str(fast.to_str())
        copy.no_truncation()
        copy.no_padding()
        copy.encode_special_tokens = bool(fast.encode_special_tokens)
        return copy


def _dim_of(model: SentenceTransformer) -> int:
    # Renamed in version 5.3; the old name warns since.
    told = getattr(model, "get_embedding_dimension", None)
    dim = told() if told else model.get_sentence_embedding_dimension()
    return int(dim) if dim else int(np.asarray(model.encode(["a"])).shape[1])


def _told(module: Any) -> list[str]:
    """A module's kind, and what of its settings changes vectors and is no weight."""
    pooling = getattr(module, "pooling_mode", None)
    if pooling is None and hasattr(module, "get_pooling_mode_str"):
        pooling = module.get_pooling_mode_str()
    activation = type(getattr(module, "activation_function", None)).__name__
    return [type(module).__name__, str(pooling), activation]
