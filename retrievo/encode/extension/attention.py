"""Attention over more tokens than it was trained on: sharper, and with grouped far positions."""

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from retrievo.encode.extension.rotary import turned
from retrievo.encode.transformer.twin import exchanged
from retrievo.errors import EncoderError

NAME = "retrievo_extended"
"""What transformers calls our attention."""

LENGTHS = "tokens_of_texts"
"""The argument that brings int64[n], the tokens of each text, to the attention."""

_LOGITS_AT_ONCE = 2**24
"""So many logits lie in memory at a time: 64 MB."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Self-Extend (Jin et al. 2024): tokens nearer than `near` have their own distance.

    Further ones have that of their groups of `group` tokens, moved so that it goes on from there:
    for near 4 and group 2 the distances are 0, 1, 2, 3, 4, 4, 5, 5, 6, 6, to either side.
    """

    near: int
    group: int
    frequencies: tuple[float, ...]

    @property
    def shift(self) -> int:
        return self.near - self.near // self.group


@dataclass(frozen=True, slots=True)
class Extended:
    """What an attention does otherwise; `window` is the length that sharpens nothing, or None."""

    window: int | None
    grouping: Grouping | None


def grouping_for(window: int, stretch: int, frequencies: torch.Tensor) -> Grouping:
    """Near tokens and size of the groups with which no distance is greater than the window.

    LongEmbed has (3, window / 2), (5, window / 4), (9, window / 8) for 2, 4 and 8 times the
    window. These are group = s + 1 and near = window / s: the greatest distance then is
    s * window / (s + 1) + window / s * (1 - 1 / (s + 1)) = window.
    """
    near = max(1, window // stretch)
    return Grouping(near, stretch + 1, tuple(frequencies.tolist()))


def sharpness(lengths: torch.Tensor, window: int) -> torch.Tensor:
    """max(1, log n / log window) of each length: attention as sharp over n tokens as in the window.

    Chiang and Cholak 2022, Overcoming a Theoretical Limitation of Self-Attention.
    """
    return (lengths.float().log() / math.log(max(2, window))).clamp(min=1.0)


def with_attention(
    backbone: PreTrainedModel, attentions: dict[str, Any], extended: Extended
) -> PreTrainedModel:
    """A twin whose attentions at these paths are ours; weights stay those of the original."""
    new: dict[str, nn.Module] = {}
    for path, attention in attentions.items():
        twin = exchanged(attention, {})
        twin.config = copy.copy(attention.config)
        twin.config._attn_implementation = NAME
        twin.extended = extended
        new[path] = twin
    return exchanged(backbone, new)


def extended_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """[n, tokens, heads, width] of [n, heads, tokens, width], as transformers asks for it."""
    extended: Extended = module.extended
    lengths = more.pop(LENGTHS, None)
    # A window of neighbours holds no more tokens in a longer text.
    if extended.window is not None and more.get("sliding_window") is None:
        if lengths is None:
            raise EncoderError(
                "this version of transformers does not hand arguments on to the attention of a "
                f"{type(module).__name__}; leave attention_scaling out"
            )
        factor = sharpness(lengths, extended.window)[:, None, None, None]
        query = (query.float() * factor).to(query.dtype)
    if extended.grouping is not None:
        causal = bool(getattr(module, "is_causal", False)) and attention_mask is None
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        read = self_extend(
            query, key, value, attention_mask, extended.grouping, scaling=scale, causal=causal
        )
        return read.transpose(1, 2).contiguous(), None
    plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
    made: tuple[torch.Tensor, None] = plain(
        module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more
    )
    return made


AttentionInterface.register(NAME, extended_attention)


def self_extend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    grouping: Grouping,
    *,
    scaling: float,
    causal: bool,
) -> torch.Tensor:
    """[n, heads, tokens, width]: attention of unturned queries and keys at grouped distances.

    `mask` is True, or 0, where a token may be read. An encoder reads to both sides, so that far
    keys on the left and on the right each have their product.
    """
    groups = query.shape[1] // key.shape[1]
    if groups > 1:  # several heads of the query read one of the keys
        key, value = (part.repeat_interleave(groups, dim=1) for part in (key, value))
    tokens, angles = key.shape[2], list(grouping.frequencies)
    places = torch.arange(tokens, device=key.device)
    grouped = places // grouping.group
    near_keys, far_keys = turned(key, places, angles), turned(key, grouped, angles)
    step = max(1, _LOGITS_AT_ONCE // (query.shape[0] * query.shape[1] * tokens))
    made = []
    for start in range(0, tokens, step):
        part = slice(start, start + step)
        asked, at, far = query[:, :, part], places[part], grouped[part]
        distance = at[:, None] - places[None, :]
        logits = turned(asked, at, angles) @ near_keys.transpose(-1, -2)
        left = turned(asked, far + grouping.shift, angles) @ far_keys.transpose(-1, -2)
        logits = torch.where(distance >= grouping.near, left, logits)
        right = turned(asked, far - grouping.shift, angles) @ far_keys.transpose(-1, -2)
        logits = torch.where(distance <= -grouping.near, right, logits) * scaling
        if causal:
            logits = _without(logits, distance >= 0)
        if mask is not None:
            seen = mask[..., part, :] if mask.shape[-2] > 1 else mask
            logits = _without(logits, seen) if seen.dtype == torch.bool else logits + seen
        made.append(logits.float().softmax(dim=-1).to(value.dtype) @ value)
    return torch.cat(made, dim=2)


def _without(logits: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return logits.masked_fill(~seen, torch.finfo(logits.dtype).min)
