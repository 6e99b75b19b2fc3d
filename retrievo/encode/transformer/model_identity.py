"""What of a SentenceTransformer decides its vectors, and how long they are."""

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
    probe = tokenizer.tokens([PROBE])[0].ids if tokenizer else None
    modules = [_told(module) for module in model]
    return fingerprint_of(_weights(model), {"modules": modules, "probe": probe, **settings})


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


def _told(module: Any) -> list[str]:
    """A module's kind, and what of its settings changes vectors and is no weight."""
    pooling = getattr(module, "pooling_mode", None)
    if pooling is None and hasattr(module, "get_pooling_mode_str"):
        pooling = module.get_pooling_mode_str()
    activation = type(getattr(module, "activation_function", None)).__name__
    return [type(module).__name__, str(pooling), activation]
