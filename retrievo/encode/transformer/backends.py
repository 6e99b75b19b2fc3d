"""A SentenceTransformer whose transformer runs in onnxruntime or OpenVINO; the rest stays torch's.

The backends that sentence-transformers has itself go through optimum, whose releases want an older
transformers than sentence-transformers 6 does, so that both cannot be installed. Here only the
transformer is exchanged: tokenizer, prompts, pooling and what follows are the model's own.
"""

import importlib
import threading
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from sentence_transformers import SentenceTransformer
from torch import nn
from transformers import PreTrainedModel

from retrievo.encode.transformer.agreement import Agreement
from retrievo.encode.transformer.onnx_export import GraphDType, graph_of
from retrievo.encode.transformer.twin import exchanged
from retrievo.errors import ConfigError, EncoderError, MissingExtraError

Backend = Literal["torch", "onnx", "openvino"]

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_SAMPLES = ["a text", "a text of some more words than the other has"]
_STATE = "last_hidden_state"

_LENGTHS = (1, 7, 200, 600)
"""Tokens of what a graph is tried on; 600 are more than any window of attention over parts."""

_SAME = 1e-4
"""How far states of the graph may be from torch's, as a share of the largest."""


def load_backend(
    model: SentenceTransformer, backend: str, *, dtype: str = "float32"
) -> SentenceTransformer:
    """A twin of the model whose transformers are graphs; the model itself for "torch".

    `dtype` is "float32" ("auto" is the same), or with onnx "int8", whose vectors are compared with
    the model's on the first texts (`Agreement`). As many threads as torch has now. Raises
    ConfigError for what cannot be combined, MissingExtraError for a package that is not there, and
    EncoderError for a model that cannot be exported, or whose graph gives other states.
    """
    if backend not in get_args(Backend):
        raise ConfigError(f"backend is {backend!r}; one of {get_args(Backend)} is wanted")
    _refuse_compiled(model)
    if backend == "torch":
        return model
    wanted = ("auto", "float32", "int8") if backend == "onnx" else ("auto", "float32")
    if dtype not in wanted:
        raise ConfigError(
            f"dtype is {dtype!r}; with backend = {backend!r} it is one of {wanted}, or leave it out"
        )
    if model.device.type != "cpu":
        raise ConfigError(
            f"backend = {backend!r} runs on the CPU, and the model is on {model.device}; "
            "set device = 'cpu', or backend = 'torch'"
        )
    made: dict[nn.Module, GraphModel] = {}
    new: dict[str, nn.Module] = {}
    for path, transformer in model.named_modules(remove_duplicate=False):
        place = _place(transformer)
        if place is None:
            continue
        if transformer not in made:
            made[transformer] = _graph(transformer, backend, dtype)
        new[f"{path}.{place}"] = made[transformer]
    if not new:
        kinds = ", ".join(type(module).__name__ for module in model.children())
        raise ConfigError(
            f"backend = {backend!r} exchanges a transformer, and this model has none (found: "
            f"{kinds}); set backend = 'torch'"
        )
    if dtype == "int8":
        new["agreement"] = Agreement(model)
    return exchanged(model, new)


class GraphModel(nn.Module):  # type: ignore[misc]  # torch has no types here
    """What a transformer of sentence-transformers asks of its model, answered by a graph.

    A copy for another process opens the file anew.
    """

    def __init__(
        self, config: Any, path: Path, backend: str, threads: int, computes_in: GraphDType
    ) -> None:
        super().__init__()
        self.config = config
        self.computes_in = computes_in
        """The number format, which its parameters cannot say: it has none."""
        self.device = torch.device("cpu")
        self._made_of = path, backend, threads
        self._graph = _opened(path, backend, threads)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        **_: Any,
    ) -> dict[str, torch.Tensor]:
        """The states of the last layer, float32[n, tokens, width]."""
        given = dict(zip(_INPUTS, (input_ids, attention_mask, token_type_ids), strict=True))
        arrays: dict[str, Any] = {}
        for name in self._graph.names:
            tensor = given[name]
            if tensor is None:
                raise EncoderError(
                    f"the graph reads {name}, which the model's preprocessing did not give; "
                    "set backend = 'torch'"
                )
            arrays[name] = tensor.numpy()
        return {_STATE: torch.from_numpy(self._graph.run(arrays))}

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_graph"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._graph = _opened(*self._made_of)


_MAKING = threading.Lock()  # a second thread that wants the same graph finds it made


def _refuse_compiled(model: SentenceTransformer) -> None:
    """A model of sentence-transformers' own backends has no weights to tell it from others by."""
    for module in model.modules():
        theirs = getattr(module, "backend", "torch")
        if isinstance(theirs, str) and theirs != "torch":
            raise ConfigError(
                f"the model was loaded with backend={theirs!r} of sentence-transformers, which "
                "hides its weights, so that an index could not tell what it was made with; give "
                f"the model itself, and backend = {theirs!r} here"
            )


def _graph(transformer: Any, backend: str, dtype: str) -> GraphModel:
    backbone = getattr(transformer, str(_place(transformer)))
    _check(transformer, backbone, backend)
    _running(backend)  # is it there, before minutes are spent on an export
    features = transformer.preprocess(_SAMPLES)
    inputs = {name: features[name] for name in _INPUTS if name in features}
    others = {key for key, value in features.items() if isinstance(value, torch.Tensor)} - {*inputs}
    if others or "input_ids" not in inputs:
        raise ConfigError(
            f"backend = {backend!r} knows {', '.join(_INPUTS)}, and this model reads "
            f"{', '.join(sorted(others or features))}; set backend = 'torch'"
        )
    kind: GraphDType = "int8" if dtype == "int8" else "float32"
    with _MAKING:
        path = graph_of(backbone, inputs, dtype=kind, extra=backend)
    made = GraphModel(backbone.config, path, backend, torch.get_num_threads(), kind)
    if kind == "float32":
        _try(made, backbone, inputs, transformer.max_seq_length)
    return made


def _place(module: Any) -> str | None:
    """Under which name a module of sentence-transformers holds a transformer; None if not."""
    found = [
        name
        for name, part in module.named_children()
        if isinstance(part, PreTrainedModel) and hasattr(module, "modality_config")
    ]
    return found[0] if len(found) == 1 else None


def _check(transformer: Any, backbone: Any, backend: str) -> None:
    text = transformer.modality_config.get("text", {})
    if (text.get("method"), text.get("method_output_name")) != ("forward", _STATE):
        raise ConfigError(
            f"backend = {backend!r} gives the states of the last layer, and this model takes "
            f"{text.get('method_output_name')!r} of {text.get('method')!r}; set backend = 'torch'"
        )
    dtypes = {str(one.dtype) for one in backbone.parameters()} - {"torch.float32"}
    if dtypes:
        raise ConfigError(
            f"backend = {backend!r} exports a model in float32, and this one is in "
            f"{', '.join(sorted(dtypes))}; load it with dtype = 'float32'"
        )


def _try(made: GraphModel, backbone: Any, inputs: dict[str, torch.Tensor], limit: Any) -> None:
    """Raises EncoderError where the graph gives other states than the model it was made of.

    An export by tracing may have taken a length for a constant.
    """
    for length in sorted({min(length, int(limit or 512)) for length in _LENGTHS}):
        given = {name: _repeated(tensor, length) for name, tensor in inputs.items()}
        read = given.get("attention_mask", torch.ones_like(given["input_ids"])) > 0
        with torch.inference_mode():
            theirs = backbone(**given, return_dict=True).last_hidden_state[read]
            off = float((made(**given)[_STATE][read] - theirs).abs().max())
        if not off <= _SAME * max(1.0, float(theirs.abs().max())):
            raise EncoderError(
                f"the graph of the {type(backbone).__name__} gives other states than the model "
                f"(by {off:.2g} at {length} tokens); set backend = 'torch'"
            )


def _repeated(tensor: torch.Tensor, length: int) -> torch.Tensor:
    times = -(-length // tensor.shape[1])
    longer = tensor.repeat(1, times)[:, :length].clone()
    if tensor.max() <= 1:  # a mask or types: the second text is whole, the first half as long
        longer[0, : (length + 1) // 2] = longer[1, 0]
        longer[0, (length + 1) // 2 :] = 0
        longer[1] = longer[1, 0]
    return longer


def _opened(path: Path, backend: str, threads: int) -> Any:
    try:
        return _running(backend).Graph(path, threads=threads)
    except MissingExtraError:
        raise
    except Exception as error:  # each runtime has errors of its own
        said = (str(error).strip().splitlines() or [""])[0][:200]
        raise EncoderError(
            f"the graph {path} cannot be opened with {backend}: {type(error).__name__}: {said}; "
            "delete its folder, and it is made again"
        ) from error


def _running(backend: str) -> Any:
    try:
        return importlib.import_module(f"{__package__}.{backend}_running")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"backend = {backend!r} wants {error.name}, which is not installed; install it with: "
            f"pip install 'retrievo[{backend}]'"
        ) from error
