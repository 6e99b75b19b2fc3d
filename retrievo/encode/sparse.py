"""Sparse vectors of a SparseEncoder of sentence-transformers: SPLADE, inference-free and others."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from sentence_transformers import SparseEncoder

from retrievo.encode.checking import given_texts, tell_truncated
from retrievo.encode.encoded import Encoded, Side
from retrievo.encode.transformer.batching import token_batches
from retrievo.encode.transformer.devices import batch_tokens_for
from retrievo.encode.transformer.hub import open_kind
from retrievo.encode.transformer.model_identity import model_fingerprint, module_settings
from retrievo.encode.transformer.tokenizing import limit_of, tokenizer_of
from retrievo.errors import ConfigError, EncoderError
from retrievo.types import SparseRows


class SparseModel:
    """A value for some words of the model's vocabulary, for queries and documents told apart.

    `model` is a name on the hub, a local directory, or a SparseEncoder. Of a vector the
    `max_active_dims` highest values are kept, all where it is None and the model says nothing. A
    text longer than the model reads is cut, and told of.
    """

    def __init__(
        self,
        model: str | Path | SparseEncoder,
        *,
        max_active_dims: int | None = None,
        device: str | None = "auto",
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> None:
        if max_active_dims is not None and max_active_dims < 1:
            raise ConfigError(f"max_active_dims is {max_active_dims}; a number from 1 is wanted")
        self._model, self.name = open_kind(
            SparseEncoder,
            model,
            device=device,
            trust_remote_code=trust_remote_code,
            revision=revision,
            local_files_only=local_files_only,
        )
        self._model.eval()
        self._most = max_active_dims or self._model.max_active_dims
        self._tokenizer = tokenizer_of(self._model)
        self._budget = batch_tokens_for(str(self._model.device), batch_tokens)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with any weight, with the tokenizer, the modules' settings and the prompts."""
        settings = {
            "modules": module_settings(self._model),
            "prompts": [self._prompt("query"), self._prompt("document")],
            "max_tokens": limit_of(self._model),
            "max_active_dims": self._most,
        }
        return model_fingerprint(self._model, self._tokenizer, settings)

    def encode(self, texts: Sequence[str], side: Side) -> SparseRows:
        """A sparse row for each text, indices ascending, without zeros; an empty text has none.

        Raises EncoderError for non-finite numbers, with the places of the texts.
        """
        given, places, n = given_texts(texts)
        rows: list[tuple[np.ndarray, np.ndarray]] = [_NONE] * n
        prompt = self._prompt(side)
        lengths = self._lengths(given, prompt)
        for batch in token_batches(lengths, self._budget):
            some = [given[place] for place in batch.tolist()]
            for place, row in zip(batch.tolist(), self._batch(some, prompt, side), strict=True):
                if not np.isfinite(row[1]).all():
                    raise EncoderError(
                        f"the model {self.name} gave non-finite numbers; its weights may be "
                        "damaged",
                        texts=[int(places[place])],
                    )
                rows[int(places[place])] = row
        indptr = np.concatenate([[0], np.cumsum([len(one[0]) for one in rows])]).astype(np.int64)
        indices = np.concatenate([_NONE[0], *(one[0] for one in rows)])
        return SparseRows(indptr, indices, np.concatenate([_NONE[1], *(one[1] for one in rows)]))

    def _batch(
        self, texts: list[str], prompt: str, side: Side
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        encode = self._model.encode_query if side == "query" else self._model.encode_document
        made = encode(
            texts,
            prompt=prompt,
            batch_size=len(texts),
            show_progress_bar=False,
            # Torch cannot sort what it calls a sparse tensor in its own inference mode.
            convert_to_sparse_tensor=False,
            max_active_dims=self._most,
        )
        dense = made.float().cpu().numpy()
        return [(at.astype(np.uint32), row[at]) for row in dense for (at,) in (np.nonzero(row),)]

    def _lengths(self, texts: Sequence[str], prompt: str) -> list[int]:
        """Tokens that are read of each text; what is cut is told."""
        if self._tokenizer is None:
            return [1 + len(text) // 3 for text in texts]
        lengths = [len(one.ids) for one in self._tokenizer.tokens([prompt + t for t in texts])]
        limit = limit_of(self._model)
        if limit is None or not texts:
            return lengths
        specials = self._tokenizer.specials(prompt)
        totals = np.array(lengths, np.int32) - specials
        seen = np.minimum(totals, limit - specials).astype(np.int32)
        none = np.empty((len(texts), 0), np.float32)
        tell_truncated(texts, Encoded(none, totals, seen), self.name, limit)
        return [min(length, limit) for length in lengths]

    def _prompt(self, side: Side) -> str:
        return self._model.prompts.get(side) or ""


_NONE = (np.empty(0, np.uint32), np.empty(0, np.float32))
