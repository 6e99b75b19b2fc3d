"""Where a transformer runs, and how much of a batch goes there at once."""

from collections.abc import Sequence

import torch
from sentence_transformers import SentenceTransformer

from retrievo.errors import ConfigError

_KINDS = ("cpu", "cuda", "mps")

_BATCH_TOKENS = {"cpu": 1_024}
"""Padded tokens of a batch: those of a CPU leave the states of one layer in its caches."""

_BATCH_TOKENS_ELSEWHERE = 16_384
"""A value to start from, not a measured one."""


def devices_of(device: str | Sequence[str] | None, processes: int) -> list[str]:
    """The devices that are meant, one for each process that encodes; one name is this process.

    "auto" and None are the first of cuda, mps and cpu that the machine has. Raises ConfigError for
    a device that is not there, and for several processes on one that is no CPU.
    """
    if processes < 1:
        raise ConfigError(f"processes is {processes}; a number from 1 is wanted")
    if device is None or device == "auto":
        named = [next(kind for kind in ("cuda", "mps", "cpu") if _is_there(kind))]
    else:
        named = [device] if isinstance(device, str) else list(device)
        for name in named:
            _check(name)
    if not named:
        raise ConfigError("device is an empty list; 'auto', or the name of a device, is wanted")
    if processes == 1:
        return named
    if len(named) > 1 or not named[0].startswith("cpu"):
        raise ConfigError(
            f"processes = {processes} divides the work of a CPU, and device is {', '.join(named)}; "
            "leave processes out, and name each device once: device = ['cuda:0', 'cuda:1']"
        )
    return named * processes


def batch_tokens_for(device: str, batch_tokens: int | None) -> int:
    """How many tokens a batch has at most: as given, else what is known of such a device.

    Raises ConfigError for a number under 1.
    """
    if batch_tokens is None:
        return _BATCH_TOKENS.get(device.partition(":")[0], _BATCH_TOKENS_ELSEWHERE)
    if batch_tokens < 1:
        raise ConfigError(f"batch_tokens is {batch_tokens}; a number from 1 is wanted")
    return batch_tokens


def where_it_is(
    model: SentenceTransformer, device: str | Sequence[str] | None
) -> SentenceTransformer:
    """The model that was given, as it is. Raises ConfigError where it is on another device."""
    elsewhere = isinstance(device, str) and device != "auto" and torch.device(device)
    if elsewhere and elsewhere.type != model.device.type:
        raise ConfigError(
            f"device is {device!r}, and the model that was given is on {model.device}; leave "
            f"device out, or move the model itself: model.to({device!r})"
        )
    return model


def _check(name: str) -> None:
    kind = name.partition(":")[0]
    try:
        index = torch.device(name).index or 0
    except RuntimeError as error:
        raise ConfigError(
            f"device is {name!r}; 'auto', {', '.join(map(repr, _KINDS))} or a name such as "
            "'cuda:1' is wanted"
        ) from error
    if not _is_there(kind):
        raise ConfigError(
            f"device is {name!r}, and torch finds no {kind} here; set device = 'auto'"
        )
    if kind == "cuda" and index >= torch.cuda.device_count():
        raise ConfigError(
            f"device is {name!r}, and torch finds {torch.cuda.device_count()} of that kind here, "
            "counted from 0"
        )


def _is_there(kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_available())
    if kind == "mps":
        return bool(torch.backends.mps.is_available())
    return True
