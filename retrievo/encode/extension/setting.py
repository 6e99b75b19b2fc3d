"""Longer texts than a model was made for: what is asked for, and the model that does it.

Zhu et al. 2024, LongEmbed: Extending Embedding Models for Long Context Retrieval.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, get_args

from sentence_transformers import SentenceTransformer
from torch import nn
from transformers import PreTrainedModel

from retrievo.encode.encoded import Side
from retrievo.encode.extension.architectures import (
    ROTARY,
    architecture_of,
    attentions_of,
    transformer_of,
)
from retrievo.encode.extension.attention import Extended, grouping_for, with_attention
from retrievo.encode.extension.positions import RULES, with_table
from retrievo.encode.extension.rotary import FULL, Angles, base_factor, frequencies_of, slower
from retrievo.encode.extension.stretched import Stretched
from retrievo.encode.extension.windows import Windows, without_normalization
from retrievo.encode.transformer.tokenizing import TransformerTokenizer, limit_of, tokenizer_of
from retrievo.encode.transformer.twin import exchanged
from retrievo.errors import ConfigError

Mode = Literal["pi", "gp", "rp", "pcw", "ntk", "selfextend"]

TARGET = 4096
"""Tokens that an extended model reads where nobody says how many."""

_TABLE_MODES = ("pi", "gp", "rp")
_ROTARY_MODES = ("ntk", "selfextend")


@dataclass(frozen=True, slots=True)
class Extension:
    """A model's window of `window` tokens made one of `target` tokens.

    Without a mode it is the model's own, `declared`, which is None for a model without a limit.
    """

    mode: Mode | None
    declared: int | None
    window: int
    target: int | None
    scaled: bool = False

    def settings(self) -> dict[str, Any]:
        """What a fingerprint and a passport keep of it; nothing without a mode."""
        told = self.arguments()
        return told and {**told, "original_tokens": self.window}

    def arguments(self) -> dict[str, Any]:
        """What asks an encoder of the same model for the same."""
        if self.mode is None:
            return {}
        return {
            "context_extension": self.mode,
            "target_tokens": self.target,
            "attention_scaling": self.scaled,
        }

    @property
    def at_once(self) -> int | None:
        """The most tokens that go through the model together."""
        return self.window if self.mode == "pcw" else self.target

    def tokenizer(self, model: SentenceTransformer) -> TransformerTokenizer | None:
        """That of the model, which cuts at the target."""
        return tokenizer_of(
            model if self.target is None or self.mode is None else with_limit(model, self.target)
        )

    def windows(
        self, model: SentenceTransformer, name: str, prompts: Mapping[Side, str]
    ) -> Windows | None:
        """What makes long texts into windows; None for a mode that reads them at once.

        Raises ConfigError where a prompt leaves no room in a window.
        """
        tokenizer = tokenizer_of(model) if self.mode == "pcw" else None
        if tokenizer is None:
            return None
        made = Windows(model, tokenizer, self.window, name)
        made.fitting.check_prompts(prompts)
        return made

    def applied(self, model: SentenceTransformer) -> SentenceTransformer:
        """A twin that reads texts of the target; the original stays as it is, weights are shared.

        That of "pcw" reads windows, and its vectors are not normalised. The model itself without a
        mode. Raises ConfigError for a model that the mode is not for.
        """
        if self.mode is None or self.target is None:
            return model
        if self.mode == "pcw":
            return without_normalization(model)
        path, backbone = transformer_of(model, self.mode)
        stretched = self._stretched(backbone, self.mode, self.target)
        return with_limit(exchanged(model, {path: stretched}), self.target)

    def _stretched(self, backbone: PreTrainedModel, mode: Mode, target: int) -> Stretched:
        known = architecture_of(backbone, mode)
        if (known.table is None) != (mode in _ROTARY_MODES):
            kind, modes = ("a table of", _TABLE_MODES) if known.table else ("rotary", _ROTARY_MODES)
            raise ConfigError(
                f"context_extension = {mode!r} is not for a {type(backbone).__name__}, which "
                f"has {kind} positions: take one of {', '.join((*modes, 'pcw'))}"
            )
        attends = backbone.config._attn_implementation
        if attends not in ("sdpa", "eager"):
            raise ConfigError(
                f"context_extension = {mode!r} wants the attention 'sdpa', and the model was "
                f"loaded with {attends!r}; load it with attn_implementation='sdpa'"
            )
        if self.scaled and known.attention is None:
            raise ConfigError(
                f"attention_scaling is not offered for a {type(backbone).__name__}, whose "
                "attention cannot be exchanged; leave it out"
            )
        stretch = ceil(target / self.window)
        grouping = None
        if known.table is not None:
            long = with_table(backbone, known, mode, self.window, target)
        else:
            angles = frequencies_of(backbone, mode)
            if mode == "selfextend":
                grouping = grouping_for(self.window, stretch, angles)
            new = None if grouping else slower(angles, base_factor(stretch))
            long = exchanged(backbone, {ROTARY: Angles(backbone.get_submodule(ROTARY), new)})
        if self.scaled or grouping is not None:
            attentions = _that_see_all(attentions_of(backbone, known), backbone)
            window = self.window if self.scaled else None
            long = with_attention(long, attentions, Extended(window, grouping))
        return Stretched(
            backbone,
            long,
            window=self.window,
            rule=RULES.get(mode),
            first=known.first,
            counted=self.scaled,
        )


def extension_of(
    model: SentenceTransformer,
    name: str,
    mode: Mode | None,
    *,
    target_tokens: int | None,
    attention_scaling: bool,
    backend: str,
    devices: Sequence[str],
) -> Extension:
    """What the arguments ask for. Raises ConfigError for what does not fit."""
    if mode is None:
        for given, value in (
            ("target_tokens", target_tokens),
            ("attention_scaling", attention_scaling or None),
        ):
            if value is not None:
                raise ConfigError(
                    f"{given} is given without context_extension; set it to one of "
                    f"{', '.join(get_args(Mode))}"
                )
        declared = limit_of(model)
        return Extension(None, declared, declared or 0, declared)
    if mode not in get_args(Mode):
        raise ConfigError(f"context_extension is {mode!r}; one of {get_args(Mode)} is wanted")
    if backend != "torch":
        raise ConfigError(
            f"context_extension = {mode!r} is computed with backend = 'torch', and not in the "
            f"graph of {backend!r}; leave one of the two out"
        )
    if len(devices) > 1:
        raise ConfigError(
            "context_extension with several devices or processes is not offered; leave processes "
            "out, and name one device"
        )
    if mode == "pcw" and attention_scaling:
        raise ConfigError(
            "attention_scaling changes texts that are longer than the window, and 'pcw' gives the "
            "model none; leave attention_scaling out"
        )
    if tokenizer_of(model) is None:
        raise ConfigError(
            f"context_extension = {mode!r} counts tokens, and the model {name} has no fast "
            "tokenizer to do so; leave context_extension out"
        )
    _path, backbone = transformer_of(model, mode)
    declared = limit_of(model)
    window = declared or int(getattr(backbone.config, "max_position_embeddings", 0))
    target = TARGET if target_tokens is None else target_tokens
    if not window < target:
        raise ConfigError(
            f"target_tokens is {target}, and {name} reads {window} tokens without an extension; "
            "set target_tokens to more, or leave context_extension out"
        )
    return Extension(mode, declared, window, target, attention_scaling)


def with_limit(model: SentenceTransformer, limit: int) -> SentenceTransformer:
    """A twin of the model that cuts texts at another length; the original keeps its own."""
    name, first = next(iter(model._modules.items()))
    twin = exchanged(first, {})
    for place in ("processor", "tokenizer"):  # before version 6 it was the latter
        if place in vars(twin):
            # The tokenizer keeps the length, and the original has the same tokenizer.
            vars(twin)[place] = copy.deepcopy(vars(twin)[place])
    twin.max_seq_length = limit
    return exchanged(model, {name: twin})


def _that_see_all(attentions: dict[str, Any], backbone: PreTrainedModel) -> dict[str, nn.Module]:
    """Those of layers that attend to the whole text, where the model has others with own angles.

    A sliding window of neighbours is the same in a text of any length.
    """
    kinds = getattr(backbone.config, "layer_types", None)
    if kinds is None or not hasattr(backbone.get_submodule(ROTARY), f"{FULL}_inv_freq"):
        return attentions
    return {
        path: one
        for (path, one), kind in zip(attentions.items(), kinds, strict=True)
        if kind == FULL
    }
