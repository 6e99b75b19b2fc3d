"""The number format that a transformer computes in: half the bits where that changes nothing."""

import copy
from typing import Literal, get_args

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from retrievo.errors import ConfigError
from retrievo.telling import tell
from retrievo.types import Vectors

DType = Literal["auto", "float32", "bfloat16", "float16", "int8"]

SAME_FROM = 0.9995
"""The least cosine of a text's vectors in both formats with which "auto" takes the narrow one."""

TRIED = 16
"""Texts of the user that "auto" compares the formats on."""


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; else it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Private names, so that another version may not have them: then the answer is no.
    asked = (getattr(torch.cpu, f"_is_{unit}_supported", None) for unit in _UNITS)
    return any(supported() for supported in asked if supported is not None)


_UNITS = ("avx512_bf16", "amx_tile")


def check_dtype(dtype: str) -> None:
    """Raises ConfigError for a format that is not known."""
    if dtype not in get_args(DType):
        raise ConfigError(f"dtype is {dtype!r}; one of {get_args(DType)} is wanted")


def dtype_of(model: SentenceTransformer) -> str:
    """The format of a model's weights as a configuration names it."""
    first = next((one for one in model.parameters() if one.is_floating_point()), None)
    return "float32" if first is None else str(first.dtype).removeprefix("torch.")


def in_dtype(model: SentenceTransformer, dtype: DType, *, ours: bool) -> SentenceTransformer:
    """The model in the format that is asked for, itself where it has it or "auto" is asked for.

    Without `ours` the model that was given stays as it is, and a copy is converted.
    """
    if dtype in ("auto", dtype_of(model)):
        return model
    if dtype != "float32" and model.device.type == "cpu" and not _fast_on_cpu(dtype):
        tell(
            f"this CPU has no instructions for {dtype}: it computes slower than float32 here; "
            "leave dtype out"
        )
    return (model if ours else copy.deepcopy(model)).to(getattr(torch, dtype))


def least_cosine(some: Vectors, others: Vectors) -> float:
    """The least cosine between rows of two arrays; not a number where one holds such."""
    products = np.einsum("ij,ij->i", some, others, dtype=np.float64)
    lengths = np.linalg.norm(some.astype(np.float64), axis=1)
    lengths = lengths * np.linalg.norm(others.astype(np.float64), axis=1)
    return float(np.min(products / np.maximum(lengths, 1e-30)))


def _fast_on_cpu(dtype: str) -> bool:
    return dtype == "bfloat16" and has_bfloat16(torch.device("cpu"))
