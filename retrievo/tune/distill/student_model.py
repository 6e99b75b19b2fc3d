"""What a transformer student is before it is trained: a smaller model, and a map in closed form."""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from retrievo.contracts import Encoder
from retrievo.encode.matryoshka.depth import at_depth, layer_count
from retrievo.encode.matryoshka.heads import Head
from retrievo.encode.transformer.hub import load_model
from retrievo.errors import ConfigError

try:
    import sentence_transformers.sentence_transformer.modules as parts
except ImportError:  # before version 6
    import sentence_transformers.models as parts


class Body(NamedTuple):
    """A model of one's own that a projection is put behind, and what it is called.

    `layers` are those that it keeps of the teacher, None for a model that is not the teacher's.
    """

    model: SentenceTransformer
    name: str
    layers: int | None = None


def first_layers(teacher: Encoder, layers: int | None) -> Body:
    """A copy of the teacher's first layers and of its pooling; by default half of them.

    What the teacher has behind its pooling is left out: it was trained for the last layer. Raises
    ConfigError for a teacher that is no SentenceTransformer or cannot be cut, and for a number of
    layers that is not smaller than its own.
    """
    whole = getattr(teacher, "model", None)
    if not isinstance(whole, SentenceTransformer):
        raise ConfigError(
            f"a student of the teacher's first layers wants a SentenceTransformer, the teacher is "
            f"a {type(teacher).__name__}; make another kind: static, or external with a model"
        )
    told: dict[str, Any] = getattr(teacher, "identity", dict)()
    most = told.get("layers") or layer_count(whole)
    layers = max(1, most // 2) if layers is None else layers
    if isinstance(layers, bool) or not 1 <= layers < most:
        raise ConfigError(
            f"layers is {layers}; the teacher has {most}, and a student that is cheaper has "
            f"1 to {most - 1} of them"
        )
    modules = list(copy.deepcopy(at_depth(whole, layers)).children())
    pooling = [at for at, one in enumerate(modules) if isinstance(one, parts.Pooling)]
    kept = modules[: pooling[-1] + 1] if pooling else modules
    return Body(SentenceTransformer(modules=kept, device="cpu"), str(told.get("model")), layers)


def smaller_model(model: str | Path | SentenceTransformer | None) -> Body:
    """A copy of the model, with all its modules. Raises ConfigError where none is given.

    EncoderError where there is none of that name.
    """
    if model is None:
        raise ConfigError(
            "an external student wants a model: the folder of a SentenceTransformer, or its name"
        )
    if isinstance(model, SentenceTransformer):
        name = str(getattr(model.model_card_data, "base_model", None) or "given")
        found = copy.deepcopy(model)
    else:
        folder = Path(model).expanduser()
        name = folder.resolve().name if folder.is_dir() else str(model)
        found = load_model(str(model), local_files_only=False, device="cpu")
    modules = list(found.children())
    return Body(SentenceTransformer(modules=modules, device="cpu"), name)


def with_projection(
    body: SentenceTransformer, head: Head, *, length: float | None, prompts: dict[str, str]
) -> SentenceTransformer:
    """The body with a ridge head behind it as a Dense, whose vectors are in the teacher's space.

    They are those of `head.apply` on the body's vectors: unit length where `length` is None, else
    of about that length. The tensors of the body are shared.
    """
    assert head.matrix is not None and head.mean_in is not None and head.mean_out is not None
    scale = 1.0 if length is None else length
    bias = head.mean_out - head.mean_in @ head.matrix
    dense = parts.Dense(
        *head.matrix.shape,
        activation_function=torch.nn.Identity(),
        init_weight=torch.from_numpy(np.ascontiguousarray(head.matrix.T) * np.float32(scale)),
        init_bias=torch.from_numpy(bias * np.float32(scale)),
    )
    modules = list(body.children())
    if not isinstance(modules[-1], parts.Normalize):
        modules.append(parts.Normalize())  # the head is fitted on directions
    modules.append(dense)
    if length is None:
        modules.append(parts.Normalize())
    for module in modules:
        if getattr(module, "include_prompt", True) is False:
            # It learns the teacher's vectors from the tokens of the prompt as well as from others.
            module.include_prompt = True
    return SentenceTransformer(modules=modules, device=str(body.device), prompts=prompts).eval()
