"""A CrossEncoder of sentence-transformers made ready, and the scores that it gives to pairs."""

import copy
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from huggingface_hub import try_to_load_from_cache
from sentence_transformers import CrossEncoder

from retrievo.encode.transformer.batching import token_batches
from retrievo.encode.transformer.devices import batch_tokens_for, devices_of
from retrievo.encode.transformer.hub import load_kind
from retrievo.encode.transformer.precision import (
    TRIED,
    DType,
    check_dtype,
    dtype_of,
    has_bfloat16,
    in_dtype,
)
from retrievo.encode.transformer.tokenizing import limit_of, tokenizer_of
from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import tell

Values = npt.NDArray[np.float32]

SAME_WITHIN = 0.01
"""How far a score may move in bfloat16, as a share of the spread of the scores compared."""


class CrossModel:
    """Scores pairs of texts in batches of nearly equal length.

    "auto" computes in bfloat16 where the device has it and the first pairs have the same scores in
    it. Raises ConfigError for settings that cannot be, EncoderError for a model that cannot be
    loaded.
    """

    def __init__(
        self,
        model: str | Path | CrossEncoder,
        *,
        device: str | None,
        dtype: DType,
        batch_tokens: int | None,
        **arguments: Any,
    ) -> None:
        check_dtype(dtype)
        if dtype == "int8":
            raise ConfigError("dtype = 'int8' is not offered for a cross-encoder")
        if isinstance(model, CrossEncoder):
            self.name, found = "given", in_dtype(_where_it_is(model, device), dtype, ours=False)
        else:
            place = devices_of(device, 1)
            if len(place) > 1:
                raise ConfigError(
                    f"device is {device!r}; a cross-encoder runs on one device: name one"
                )
            path = Path(model).expanduser()
            self.name = path.resolve().name if path.is_dir() else str(model)
            found = in_dtype(_loaded(str(model), device=place[0], **arguments), dtype, ours=True)
        if found.num_labels != 1:
            raise ConfigError(
                f"{self.name} gives {found.num_labels} scores for a pair, as a classifier does; a "
                "cross-encoder with one is wanted"
            )
        self._model: Any = found.eval()
        self._turn = threading.Lock()
        self._open = dtype == "auto" and dtype_of(found) == "float32" and has_bfloat16(found.device)
        self.tokenizer = tokenizer_of(found)
        """Counts the tokens of a text; None where the model has no fast tokenizer."""
        self.limit = limit_of(found)
        """The most tokens of a pair; None without a limit."""
        self._budget = batch_tokens_for(str(found.device), batch_tokens)
        self.around = 0 if self.tokenizer is None else self._taken_around()
        """Tokens that the model puts around a pair: special ones, a prompt, a template."""

    @property
    def dtype(self) -> str:
        """The number format that it computes in; "auto" before the first pairs."""
        return "auto" if self._open else dtype_of(self._model)

    @property
    def on_cpu(self) -> bool:
        return bool(self._model.device.type == "cpu")

    def score(self, query: str, texts: Sequence[str], lengths: Sequence[int]) -> Values:
        """float32[len(texts)], on the model's own scale; `lengths` are the tokens of the pairs."""
        if self._open and len(texts) > 1:
            self._settle(query, texts[:TRIED])
        scores = np.empty(len(texts), np.float32)
        for places in token_batches(lengths, self._budget):
            batch = [texts[place] for place in places.tolist()]
            scores[places] = self._predicted(self._model, query, batch)
        return scores

    def _predicted(self, model: Any, query: str, texts: Sequence[str]) -> Values:
        # One thread at a time: the library sets truncation and padding on the tokenizer itself.
        with self._turn:
            made = model.predict(
                [(query, text) for text in texts], batch_size=len(texts), show_progress_bar=False
            )
        return np.asarray(made, np.float32).reshape(-1)

    def _settle(self, query: str, texts: Sequence[str]) -> None:
        """Choose the number format by the first pairs."""
        narrow = copy.deepcopy(self._model).to(torch.bfloat16)
        plain = self._predicted(self._model, query, texts)
        made = self._predicted(narrow, query, texts)
        spread = float(np.ptp(plain))
        # Not a number is no reason to take it.
        same = float(np.abs(plain - made).max()) <= SAME_WITHIN * spread
        with self._turn:
            if not self._open:
                return
            self._open = False
            if same:
                self._model = narrow
        if not same:
            tell(
                f"bfloat16 changes the scores of {self.name} on the first texts: it computes in "
                "float32; set dtype = 'float32' in [reranker]"
            )

    def _taken_around(self) -> int:
        """Raises ConfigError where the ids of a pair cannot be counted."""
        texts = ("one", "other")
        prompt = (getattr(self._model, "prompts", None) or {}).get(
            getattr(self._model, "default_prompt_name", None)
        )
        ids = self._model.preprocess([texts], prompt=prompt).get("input_ids")
        if ids is None or self.tokenizer is None:
            self.tokenizer = None
            return 0
        return int(ids.numel()) - sum(len(self.tokenizer.token_spans(text)) for text in texts)


def _loaded(model: str, *, local_files_only: bool, **arguments: Any) -> CrossEncoder:
    """The CrossEncoder of a directory, of the cache, or of the hub, in this order."""
    named = model.count("/") == 1 and not model.startswith((".", "/", "~"))
    if named and not local_files_only and not Path(model).is_dir():
        # Cross-encoders of before 2025 have no modules.json, by which `load_kind` knows a model.
        revision = arguments.get("revision")
        if isinstance(try_to_load_from_cache(model, "config.json", revision=revision), str):
            try:
                return load_kind(CrossEncoder, model, local_files_only=True, **arguments)
            except EncoderError:
                pass  # a part of it is there: the hub has the rest
    return load_kind(CrossEncoder, model, local_files_only=local_files_only, **arguments)


def _where_it_is(model: CrossEncoder, device: str | None) -> CrossEncoder:
    wanted = None if device in (None, "auto") else torch.device(str(device))
    if wanted is not None and wanted.type != model.device.type:
        raise ConfigError(
            f"device is {device!r}, and the model that was given is on {model.device}; leave "
            f"device out, or move the model itself: model.to({device!r})"
        )
    return model
