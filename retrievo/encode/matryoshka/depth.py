"""A model that stops after its first layers, without a copy of its weights."""

import copy
import importlib
from typing import Any, TypeVar

from sentence_transformers import SentenceTransformer
from torch import nn
from transformers import PreTrainedModel

from retrievo.encode.transformer.twin import exchanged
from retrievo.errors import ConfigError

# Where an architecture keeps its layers. What stands behind the last of them (the final
# normalisation of ModernBERT and of the decoders) stays behind the last that is kept.
_LAYERS = {
    "bert": "encoder.layer",
    "camembert": "encoder.layer",
    "deberta-v2": "encoder.layer",
    "electra": "encoder.layer",
    "mpnet": "encoder.layer",
    "roberta": "encoder.layer",
    "xlm-roberta": "encoder.layer",
    "distilbert": "transformer.layer",
    "modernbert": "layers",
    "gemma3_text": "layers",
    "llama": "layers",
    "mistral": "layers",
    "qwen2": "layers",
    "qwen3": "layers",
}

Part = TypeVar("Part", bound=nn.Module)


def layer_count(model: SentenceTransformer) -> int:
    """How many transformer layers a text passes through.

    Raises ConfigError for a model that cannot be cut: no transformer, one of an architecture that
    is not known here, a compiled graph (the onnx and openvino backends), or a Router whose routes
    have different numbers of layers.
    """
    counts = {path: len(_layers_of(one)) for path, one in _backbones(model).items()}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} at {path}" for path, count in counts.items())
        raise ConfigError(
            f"the routes of this model have different numbers of layers ({found}), so that one "
            "number cannot say where to stop; leave layers out"
        )
    return next(iter(counts.values()))


def at_depth(model: SentenceTransformer, layers: int) -> SentenceTransformer:
    """A model whose forward pass stops after `layers` layers; its tensors are those of `model`.

    The original stays as it is, and both can be used at once; what moves or trains the weights of
    one (`to`, `half`, an optimizer) does so for both. Pooling and what follows it work on the
    states of the last layer that is kept. With all its layers it is `model` itself. In a Router
    every route is cut. Raises ConfigError as `layer_count` does, and for a number out of range.
    """
    whole = layer_count(model)
    if not 1 <= layers <= whole:
        raise ConfigError(f"layers is {layers}; this model has 1 to {whole}")
    if layers == whole:
        return model
    made: dict[PreTrainedModel, PreTrainedModel] = {}
    for path, backbone in _backbones(model).items():
        _refuse_patched(model, path)
        if backbone not in made:
            made[backbone] = _cut(backbone, layers)
    return exchanged(model, {path: made[one] for path, one in _backbones(model).items()})


def _backbones(model: SentenceTransformer) -> dict[str, PreTrainedModel]:
    """The transformers in the model by their path, one that two routes share under both paths."""
    found: dict[str, PreTrainedModel] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        backend = getattr(module, "backend", "torch")
        if isinstance(backend, str) and backend != "torch":
            raise ConfigError(
                f"layers cannot cut a model of the backend {backend!r}, which runs one compiled "
                "graph; set backend = 'torch', or leave layers out"
            )
        inside = any(path.startswith(f"{outer}.") for outer in found)
        if isinstance(module, PreTrainedModel) and not inside:
            found[path] = module
    routes = _routes(model)
    without = [route for route in routes if not any(path.startswith(route) for path in found)]
    if not found or without:
        kinds = ", ".join(type(module).__name__ for module in model.children())
        where = f"its route {without[0].split('.')[-2]!r}" if found else "this model"
        raise ConfigError(
            f"layers cuts a transformer, and {where} has none (found: {kinds}); leave layers out"
        )
    return found


def _routes(model: SentenceTransformer) -> list[str]:
    """The beginnings of the paths of a Router's routes; none without a Router."""
    return [
        f"{place}.sub_modules.{route}."
        for place, module in model.named_children()
        if isinstance(getattr(module, "sub_modules", None), nn.ModuleDict)
        for route in module.sub_modules
    ]


def _layers_of(backbone: PreTrainedModel) -> nn.ModuleList:
    kind = str(getattr(backbone.config, "model_type", ""))
    found: Any = backbone
    for name in _LAYERS[kind].split(".") if kind in _LAYERS else ():
        found = getattr(found, name, None)
    if not isinstance(found, nn.ModuleList):
        raise ConfigError(
            f"layers cannot cut a {type(backbone).__name__} (model_type {kind!r}); the "
            f"architectures that it can are {', '.join(sorted(_LAYERS))}; leave layers out"
        )
    return found


def _cut(backbone: PreTrainedModel, layers: int) -> PreTrainedModel:
    whole = _layers_of(backbone)
    config = copy.deepcopy(backbone.config)
    config.num_hidden_layers = layers  # decoders count their loop and their caches by it
    if len(getattr(config, "layer_types", None) or ()) == len(whole):
        config.layer_types = list(config.layer_types[:layers])
    kept = nn.ModuleList(list(whole)[:layers])
    kept.training = whole.training
    _record_states(backbone)
    *way, last = _LAYERS[str(config.model_type)].split(".")
    cut = owner = _twin(backbone)
    cut.config = config
    for name in way:
        inner = _twin(getattr(owner, name))
        if hasattr(inner, "config"):
            inner.config = config
        if hasattr(inner, "n_layers"):  # DistilBERT keeps the number beside its layers
            inner.n_layers = layers
        setattr(owner, name, inner)
        owner = inner
    setattr(owner, last, kept)
    return cut


def _refuse_patched(model: nn.Module, path: str = "") -> None:
    """Raise ConfigError where the forward of the module, or of one on the path, was exchanged."""
    names = path.split(".")[:-1]
    way = [model, *(model.get_submodule(".".join(names[: n + 1])) for n in range(len(names)))]
    for module in way:
        if "forward" in vars(module):
            raise ConfigError(
                f"layers cannot cut this model: the forward of its {type(module).__name__} was "
                "exchanged (as accelerate's device maps and some patches do), and would run all "
                "layers; load the model without that, or leave layers out"
            )


def _twin(module: Part) -> Part:
    """The same module as another object: the same tensors and parts, in a list of its own."""
    _refuse_patched(module)
    return exchanged(module, {})


def _record_states(backbone: PreTrainedModel) -> None:
    """Let transformers 5 hang its recorders of hidden states into the layers now, once for both.

    It does so when a model is first asked for hidden states; the layers are shared, so that a
    second model would hang them there again, and each state would be recorded twice.
    """
    try:
        capturing = importlib.import_module("transformers.utils.output_capturing")
    except ImportError:  # older versions record in other ways
        return
    install = getattr(capturing, "maybe_install_capturing_hooks", None)
    if install is not None:
        install(backbone)
