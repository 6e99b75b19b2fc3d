"""A transformer written out as an ONNX graph, once for its weights, into the user's cache."""

import copy
import importlib
import logging
import os
import shutil
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from transformers import __version__ as transformers_version

from retrievo.encode.probe import fingerprint_of
from retrievo.errors import EncoderError, MissingExtraError
from retrievo.telling import tell

GraphDType = Literal["float32", "int8"]

GRAPH = "model.onnx"
"""The graph's file in its folder; weights of more than 2 GB lie in files beside it."""

_OPSET = 20  # the newest of the tracing exporter


def graph_of(
    backbone: Any, inputs: dict[str, torch.Tensor], *, dtype: GraphDType, extra: str
) -> Path:
    """The file of the backbone's graph, from `inputs` to the states of its last layer.

    It is kept in `graphs_folder()` by a fingerprint of the weights and the configuration; only the
    first call for a model exports, tells where the file is, and takes its time. Batch and length
    are free; `inputs` are an example, int64[n, tokens] by name. "int8" is onnxruntime's dynamic
    quantization of the products, signed and by channel. Raises MissingExtraError without onnx, and
    EncoderError where the exporter fails or the folder cannot be written.
    """
    folder = graphs_folder() / f"{_key(backbone, list(inputs))}-{dtype}"
    if (folder / GRAPH).is_file():
        return folder / GRAPH
    if find_spec("onnx") is None:
        raise MissingExtraError(
            f"exporting a model wants onnx; install it with: pip install 'retrievo[{extra}]'"
        )
    whole = graph_of(backbone, inputs, dtype="float32", extra=extra) if dtype == "int8" else None
    name = type(backbone).__name__
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    except OSError as error:
        raise EncoderError(
            f"the graph of a model is kept in {folder.parent}, which cannot be written ({error}); "
            "set XDG_CACHE_HOME to a folder that can"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tracing, which is checked by what it gives
            if whole is None:
                _export(backbone, inputs, made / GRAPH)
            else:
                _quantize(whole, made / GRAPH)
    except Exception as error:  # an architecture that cannot be traced fails in many ways
        shutil.rmtree(made, ignore_errors=True)
        said = (str(error).strip().splitlines() or [""])[0][:200]
        raise EncoderError(
            f"{name} cannot be written as an ONNX graph in {dtype}: {type(error).__name__}: "
            f"{said}; set backend = 'torch'"
        ) from error
    try:
        made.rename(folder)  # whole or not at all
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        if not (folder / GRAPH).is_file():  # else another process was first
            raise
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    tell(f"the {dtype} graph of the {name} ({size:,.0f} MB) was made and is kept in {folder}")
    return folder / GRAPH


def graphs_folder() -> Path:
    """Where graphs are kept: `retrievo/graphs` in $XDG_CACHE_HOME, which is ~/.cache if not set."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "retrievo" / "graphs"


class _States(nn.Module):  # type: ignore[misc]  # torch has no types here
    """From tensors in the order of their names to the states of the last layer."""

    def __init__(self, backbone: Any, names: list[str]) -> None:
        super().__init__()
        self._backbone, self._names = backbone, names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        given = dict(zip(self._names, tensors, strict=True))
        states: torch.Tensor = self._backbone(**given, return_dict=True).last_hidden_state
        return states


def _export(backbone: Any, inputs: dict[str, torch.Tensor], path: Path) -> None:
    # A copy of the structure with the same tensors: its attention is exchanged, not the model's.
    tensors = [*backbone.parameters(), *backbone.buffers()]
    plain = copy.deepcopy(backbone, {id(tensor): tensor for tensor in tensors})
    # Plain products and a softmax: what stands for `sdpa` in a graph looks for rows without any
    # number besides, and costs a fifth of a batch of long texts.
    plain.set_attn_implementation("eager")
    if hasattr(plain.config, "use_cache"):
        plain.config.use_cache = False
    names = list(inputs)
    torch.onnx.export(
        _States(plain, names).eval(),
        tuple(inputs.values()),
        str(path),
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "n", 1: "tokens"} for name in [*names, "last_hidden_state"]},
        opset_version=_OPSET,
        # By tracing: a tenth of the time of the exporter that is torch's default since 2.9, no
        # further package, and the same states.
        dynamo=False,
    )


def _quantize(whole: Path, path: Path) -> None:
    importlib.import_module("retrievo.encode.transformer.onnx_running")  # no telemetry from it
    from onnxruntime.quantization import QuantType, quantize_dynamic  # only int8 needs it

    # It advises, through the root logger, what serves convolutions.
    root = logging.getLogger()
    root.addFilter(_not_of_quantize)
    try:
        quantize_dynamic(
            whole,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=any(file.name != GRAPH for file in whole.parent.iterdir()),
        )
    finally:
        root.removeFilter(_not_of_quantize)


def _not_of_quantize(record: logging.LogRecord) -> bool:
    return record.module != "quantize"


def _key(backbone: Any, names: list[str]) -> str:
    config = backbone.config.to_dict()
    for place in ("_name_or_path", "transformers_version"):
        config.pop(place, None)
    # Another version may trace otherwise, and may have had an error mended.
    versions = [torch.__version__, transformers_version, _OPSET]
    settings = {"config": config, "inputs": names, "versions": versions}
    tensors = (tensor.detach().cpu().contiguous() for tensor in backbone.state_dict().values())
    weights = (
        (tuple(tensor.shape), str(tensor.dtype), tensor.reshape(-1).view(torch.uint8).numpy())
        for tensor in tensors
    )
    return fingerprint_of(((s, d, np.asarray(data)) for s, d, data in weights), settings)
