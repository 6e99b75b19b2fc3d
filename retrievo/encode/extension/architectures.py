"""Where a transformer keeps its positions: a table of them, or angles that turn the queries."""

from dataclasses import dataclass
from typing import Any

from sentence_transformers import SentenceTransformer
from torch import nn
from transformers import PreTrainedModel

from retrievo.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Architecture:
    """How a transformer tells its tokens apart by their places, and where it attends.

    `table` is the path of an absolute position table, None for rotary positions. `first` is the
    row of the table that belongs to a text's first token: RoBERTa counts from behind its padding
    row. `layers` and `attention` are the paths of the layers and of the attention in each; None
    where the attention cannot be exchanged.
    """

    table: str | None
    first: int
    layers: str
    attention: str | None


_TABLE = "embeddings.position_embeddings"
_BERT = Architecture(_TABLE, 0, "encoder.layer", "attention.self")
_ROBERTA = Architecture(_TABLE, 2, "encoder.layer", "attention.self")
_LLAMA = Architecture(None, 0, "layers", "self_attn")
_KNOWN = {
    "bert": _BERT,
    "electra": _BERT,
    "camembert": _ROBERTA,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "distilbert": Architecture(_TABLE, 0, "transformer.layer", "attention"),
    # Its attention adds a bias by distance, which knows any distance, and is not exchanged.
    "mpnet": Architecture(_TABLE, 2, "encoder.layer", None),
    "modernbert": Architecture(None, 0, "layers", "attn"),
    "eurobert": _LLAMA,
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "nomic_bert": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
}

ROTARY = "rotary_emb"
"""Where a rotary transformer keeps the module that gives its angles."""


def transformer_of(model: SentenceTransformer, mode: str) -> tuple[str, PreTrainedModel]:
    """The path of a model's transformer, and the transformer.

    Raises ConfigError where there is none, or more than one, as in a Router.
    """
    first = next(iter(model.children()), None)
    found = [] if first is None else [
        (f"{next(iter(model._modules))}.{name}", part)
        for name, part in first.named_children()
        if isinstance(part, PreTrainedModel)
    ]  # fmt: skip
    if len(found) != 1:
        raise ConfigError(
            f"context_extension = {mode!r} wants a model whose first module is one transformer, "
            f"and here it is a {type(first).__name__}; leave context_extension out"
        )
    told = getattr(first, "modality_config", {}).get("text", {})
    if (told.get("method"), told.get("method_output_name")) != ("forward", "last_hidden_state"):
        raise ConfigError(
            f"context_extension = {mode!r} gives the states of the last layer, and this model "
            f"takes {told.get('method_output_name')!r}; leave context_extension out"
        )
    return found[0]


def architecture_of(backbone: PreTrainedModel, mode: str) -> Architecture:
    """Raises ConfigError for a transformer that is not known here or not built as its kind is."""
    kind = str(getattr(backbone.config, "model_type", ""))
    known = _KNOWN.get(kind)
    if known is None or not _is_so(backbone, known):
        raise ConfigError(
            f"context_extension = {mode!r} does not know where a {type(backbone).__name__} "
            f"(model_type {kind!r}) keeps its positions; known are {', '.join(sorted(_KNOWN))}; "
            "'pcw' works with any, or leave context_extension out"
        )
    if known.first:
        table = backbone.get_submodule(_TABLE)
        return Architecture(_TABLE, int(table.padding_idx) + 1, known.layers, known.attention)
    return known


def attentions_of(backbone: PreTrainedModel, known: Architecture) -> dict[str, Any]:
    """The attention of each layer by its path."""
    count = len(backbone.get_submodule(known.layers))
    paths = [f"{known.layers}.{place}.{known.attention}" for place in range(count)]
    return {path: backbone.get_submodule(path) for path in paths}


def _is_so(backbone: PreTrainedModel, known: Architecture) -> bool:
    """Whether its modules are where its kind has them: other code may go by the same name."""
    if known.table is not None:
        # Relative positions, or none (ALiBi), under the name of BERT.
        relative = getattr(backbone.config, "position_embedding_type", "absolute") != "absolute"
        found = _at(backbone, known.table)
        if relative or not isinstance(found, nn.Embedding):
            return False
        if known.first and found.padding_idx is None:
            return False
    elif not isinstance(_at(backbone, ROTARY), nn.Module):
        return False
    layers = _at(backbone, known.layers)
    if not isinstance(layers, nn.ModuleList) or not len(layers):
        return False
    if known.attention is None:
        return True
    return all(hasattr(_at(layer, known.attention), "config") for layer in layers)


def _at(module: nn.Module, path: str) -> Any:
    try:
        return module.get_submodule(path)
    except AttributeError:
        return None
