"""Rotary positions (Su et al. 2021) that reach further: slower angles, or none before attention."""

from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from retrievo.encode.extension.architectures import ROTARY
from retrievo.errors import ConfigError

FULL = "full_attention"
"""Layers that attend to the whole text, where an architecture has others beside them."""


def base_factor(stretch: int) -> float:
    """By what `ntk` multiplies the base of the angles for a window `stretch` times as long.

    LongEmbed: 3, 5, 10 for 2, 4, 8. On straight lines between these points and (1, 1), and on the
    last of the lines, 1.25 * stretch, beyond them.
    """
    if stretch > 8:
        return 1.25 * stretch
    return float(np.interp(stretch, [1, 2, 4, 8], [1, 3, 5, 10]))


def frequencies_of(backbone: PreTrainedModel, mode: str) -> torch.Tensor:
    """float32[head width / 2]: the angle from a token to the next, of layers that see the whole.

    Raises ConfigError for angles that were stretched already (yarn, dynamic, linear), and for
    those of a part of a head.
    """
    rotary: Any = backbone.get_submodule(ROTARY)
    kind = getattr(rotary, "rope_type", "default")
    if isinstance(kind, dict):
        kind = kind.get(FULL)
    name = f"{FULL}_inv_freq" if hasattr(rotary, f"{FULL}_inv_freq") else "inv_freq"
    found = getattr(rotary, name, None)
    if kind != "default" or not isinstance(found, torch.Tensor):
        raise ConfigError(
            f"context_extension = {mode!r} stretches plain rotary positions, and this model's are "
            f"of the type {kind!r}; leave context_extension out"
        )
    config = backbone.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if 2 * len(found) != width:
        raise ConfigError(
            f"context_extension = {mode!r} stretches rotary positions of whole heads, and this "
            f"model turns {2 * len(found)} of their {width} numbers; leave context_extension out"
        )
    return found.detach().float().cpu()


class Angles(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """In place of a model's rotary module: its own angles in layers that see a part of the text.

    For layers that see the whole of it those of `frequencies`, or none where that is None, so that
    queries and keys come to the attention unturned.
    """

    def __init__(self, original: nn.Module, frequencies: torch.Tensor | None) -> None:
        super().__init__()
        self.original = original
        # As numbers: a buffer would become bfloat16 with the model.
        self._frequencies = None if frequencies is None else frequencies.tolist()

    def forward(
        self, x: torch.Tensor, position_ids: torch.Tensor, layer_type: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The cosines and the sines, each [n, tokens, head width], in the format of `x`."""
        if layer_type not in (None, FULL):
            sides: tuple[torch.Tensor, torch.Tensor] = self.original(x, position_ids, layer_type)
            return sides
        cos, sin = cosines(position_ids, self._frequencies or [0.0])
        if self._frequencies is None:
            width = 2 * self._half(layer_type)
            shape = (*position_ids.shape, width)
            cos, sin = cos[..., :1].expand(shape), sin[..., :1].expand(shape)
        return cos.to(x.dtype), sin.to(x.dtype)

    def _half(self, layer_type: str | None) -> int:
        name = "inv_freq" if layer_type is None else f"{layer_type}_inv_freq"
        return len(getattr(self.original, name))


def slower(frequencies: torch.Tensor, factor: float) -> torch.Tensor:
    """The frequencies of a base that is `factor` times as large: theta_j = base^(-2j / width)."""
    steps = torch.arange(len(frequencies), dtype=torch.float64) / len(frequencies)
    return (frequencies.double() * factor**-steps).float()


def cosines(positions: torch.Tensor, frequencies: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """float32[..., head width] of positions [...], each half of a head with all frequencies."""
    each = torch.tensor(frequencies, dtype=torch.float32, device=positions.device)
    angles = positions[..., None].float() * each
    both = torch.cat((angles, angles), dim=-1)
    return both.cos(), both.sin()


def turned(x: torch.Tensor, positions: torch.Tensor, frequencies: list[float]) -> torch.Tensor:
    """[..., tokens, head width] turned to positions [tokens], in the format of `x`."""
    cos, sin = cosines(positions, frequencies)
    wide = x.float()
    left, right = wide.chunk(2, dim=-1)
    made: torch.Tensor = wide * cos + torch.cat((-right, left), dim=-1) * sin
    return made.to(x.dtype)
