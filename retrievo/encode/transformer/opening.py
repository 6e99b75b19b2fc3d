"""A SentenceTransformer made ready: loaded or as given, on its device, in its number format."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.transformer.backends import Backend, load_backend
from retrievo.encode.transformer.devices import batch_tokens_for, devices_of, where_it_is
from retrievo.encode.transformer.forward import Forward
from retrievo.encode.transformer.hub import load_model
from retrievo.encode.transformer.precision import DType, check_dtype, has_bfloat16, in_dtype
from retrievo.encode.transformer.tokenizing import TransformerTokenizer
from retrievo.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Opened:
    """A model, what it is called, and where and how it runs.

    `ours` says that nobody else holds the model, so that it may be changed.
    """

    model: SentenceTransformer
    name: str
    ours: bool
    devices: list[str]
    dtype: DType
    backend: Backend = "torch"

    def forward(
        self,
        model: SentenceTransformer,
        tokenizer: TransformerTokenizer | None,
        batch_tokens: int | None,
    ) -> Forward:
        """What runs `model`, which is the one that was opened or its first layers."""
        run_on = str(self.model.device) if len(self.devices) == 1 else self.devices[0]
        if model is not self.model and len(self.devices) > 1:
            # Layers that two models share cannot be sent to another process.
            raise ConfigError(
                "layers with several devices or processes is not offered; leave processes out, and "
                "name one device"
            )
        as_it_is = self.backend == "torch"
        # For torch as well: a graph of sentence-transformers' own backends is refused there.
        runs = load_backend(model, self.backend, dtype="float32" if as_it_is else self.dtype)
        return Forward(
            runs,
            tokenizer,
            budget=batch_tokens_for(run_on, batch_tokens),
            ours=self.ours,
            narrow=as_it_is and self._may_be_narrow(run_on),
            devices=self.devices,
            dtype=None if as_it_is else self.dtype.replace("auto", "float32"),
        )

    def _may_be_narrow(self, device: str) -> bool:
        """Whether "auto" is to be tried: in one process, where the trial and the rest run alike."""
        alone = self.dtype == "auto" and len(self.devices) == 1
        return alone and has_bfloat16(torch.device(device))


def opened(
    model: str | Path | SentenceTransformer,
    *,
    device: str | Sequence[str] | None,
    processes: int,
    dtype: DType,
    backend: Backend = "torch",
    **arguments: Any,
) -> Opened:
    """The model that is meant; `arguments` are those of `load_model`.

    One that was given stays where it is and as it is. Raises ConfigError for a device or a format
    that is not there, EncoderError for a model that cannot be loaded.
    """
    check_dtype(dtype)
    if dtype == "int8" and backend != "onnx":
        raise ConfigError("dtype = 'int8' is computed with backend = 'onnx' only")
    if backend != "torch" and device in ("auto", None):
        device = "cpu"
    loaded_in: DType = dtype if backend == "torch" else "float32"
    devices = devices_of(device, processes)
    if isinstance(model, SentenceTransformer):
        name = str(getattr(model.model_card_data, "base_model", None) or "given")
        found = in_dtype(where_it_is(model, device), loaded_in, ours=False)
    else:
        # Several processes move their model on their own.
        place = devices[0] if len(devices) == 1 else "cpu"
        found = in_dtype(load_model(str(model), device=place, **arguments), loaded_in, ours=True)
        # A directory's place says nothing of the model, and differs between machines.
        path = Path(model).expanduser()
        name = path.resolve().name if path.is_dir() else str(model)
    found.eval()
    ours = not isinstance(model, SentenceTransformer)
    return Opened(found, name, ours, devices, dtype, backend)
