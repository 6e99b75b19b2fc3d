"""What of a SentenceTransformer decides its vectors, and how long they are."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.probe import PROBE, fingerprint_of
from retrievo.encode.transformer.tokenizing import TransformerTokenizer


def model_fingerprint(
    model: SentenceTransformer,
    tokenizer: TransformerTokenizer | None,
    settings: Mapping[str, Any],
) -> str:
    """Changes with any weight, with the tokenizer, the modules, and with the settings."""
    told = {
        "modules": [_told(module) for module in _modules(model)],
        "probe": tokenizer.tokens([PROBE])[0].ids if tokenizer else None,
        "tokenizer": tokenizer.fingerprint if tokenizer else None,
    }
    return fingerprint_of(_weights(model), {**told, **settings})


def module_settings(model: Any) -> str:
    """What the modules of a model keep in their configurations, those of a Router's routes as well.

    Without a size that some learn of only when they run.
    """
    told = [part.get_config_dict() for part in model.modules() if hasattr(part, "get_config_dict")]
    learnt = "embedding_dimension"
    kept = [{key: value for key, value in one.items() if key != learnt} for one in told]
    return json.dumps(kept, sort_keys=True, default=str)


def dim_of(model: SentenceTransformer) -> int:
    """How many numbers its sentence vectors have."""
    # Renamed in version 5.3; the old name warns since.
    told = getattr(model, "get_embedding_dimension", None)
    dim = told() if told else model.get_sentence_embedding_dimension()
    return int(dim) if dim else int(np.asarray(model.encode(["a"])).shape[1])


def _weights(
    model: SentenceTransformer,
) -> Iterator[tuple[tuple[int, ...], str, npt.NDArray[np.uint8]]]:
    for name, tensor in model.state_dict().items():
        if name.endswith("_ids"):  # position_ids are constants, which some versions save
            continue
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        yield tuple(tensor.shape), str(tensor.dtype), flat.numpy()


def _modules(model: Any) -> Iterator[Any]:
    """The parts of a model in their order, those of a Router's routes as well."""
    for module in model.children():
        yield module
        if hasattr(module, "sub_modules"):
            for name, route in module.sub_modules.items():
                yield name
                yield from _modules(route)


def _told(module: Any) -> Any:
    """A module's kind, and what of its settings changes vectors and is no weight."""
    if isinstance(module, str):
        return module
    pooling = getattr(module, "pooling_mode", None)
    if pooling is None and hasattr(module, "get_pooling_mode_str"):
        pooling = module.get_pooling_mode_str()
    activation = type(getattr(module, "activation_function", None)).__name__
    prompt = getattr(module, "include_prompt", None)
    return [type(module).__name__, str(pooling), activation, prompt, _architecture(module)]


def _architecture(module: Any) -> dict[str, Any]:
    """What of a transformer's configuration is not its class' default, and no matter of taste.

    Only that: a default that a new version adds must not make another model of this one.
    """
    config = getattr(getattr(module, "auto_model", None), "config", None)
    if config is None or not hasattr(config, "to_diff_dict"):
        return {}
    told = config.to_diff_dict()
    return {key: told[key] for key in sorted(told) if key not in _NO_MATTER and key[0] != "_"}


_NO_MATTER = frozenset(
    {
        "architectures",
        "attn_implementation",
        "bos_token_id",
        "dtype",
        "eos_token_id",
        "gradient_checkpointing",
        "id2label",
        "label2id",
        "name_or_path",
        "output_hidden_states",
        "torch_dtype",
        "transformers_version",
        "use_cache",
    }
)
"""Keys of a configuration that change no hidden state, or that loading and saving changes."""
