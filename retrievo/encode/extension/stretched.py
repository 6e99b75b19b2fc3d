"""A transformer that reads short texts as it always did, and long ones in another way."""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from retrievo.encode.extension.attention import LENGTHS
from retrievo.encode.extension.positions import Positions

_STATE = "last_hidden_state"


class Stretched(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """What a SentenceTransformer asks of its transformer; the two share their weights.

    A text of at most `window` tokens goes through `short`, the original, with all its numbers; a
    longer one through `long`. Which way a text goes, and what comes of it, does not depend on the
    others in its batch. `rule` gives rows of a position table, counted from `first`; None leaves
    the positions to the model. `counted` hands the texts' lengths on to the attention.
    """

    def __init__(
        self,
        short: PreTrainedModel,
        long: PreTrainedModel,
        *,
        window: int,
        rule: Positions | None,
        first: int,
        counted: bool,
    ) -> None:
        super().__init__()
        self.short, self.long = short, long
        self.config = short.config
        self._window, self._rule, self._first, self._counted = window, rule, first, counted

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **more: Any
    ) -> Any:
        """The states of the last layer, [n, tokens, width]; those of padding say nothing."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        lengths = mask.sum(dim=1)
        long = lengths > self._window
        if not bool(long.any()):
            return self.short(input_ids=input_ids, attention_mask=attention_mask, **more)
        features = {"input_ids": input_ids, "attention_mask": mask, **more}
        parts = [(long, self._far)]
        if not bool(long.all()):
            parts.append((~long, self.short))
        states: torch.Tensor | None = None
        for chosen, reads in parts:
            rows = torch.nonzero(chosen)[:, 0]
            columns = _columns(mask[rows], int(lengths[rows].max()))
            found = reads(**_selected(features, rows, columns))[_STATE]
            if states is None:
                states = found.new_zeros((*input_ids.shape, found.shape[-1]))
            states[rows[:, None], columns] = found
        return {_STATE: states}

    def _far(self, attention_mask: torch.Tensor, **more: Any) -> Any:
        lengths = attention_mask.sum(dim=1)
        if self._rule is not None:
            # Behind the end of a text stands padding, whose position nobody reads.
            places = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)
            rows = self._rule(places, lengths[:, None], self._window)
            more["position_ids"] = rows + self._first
        if self._counted:
            more[LENGTHS] = lengths
        return self.long(attention_mask=attention_mask, **more)


def _columns(mask: torch.Tensor, longest: int) -> torch.Tensor:
    """int64[n, longest]: where each row has its tokens, padding behind them.

    Whatever side the padding is on, so that a text's positions are counted from its first token.
    """
    order = torch.argsort(mask, dim=1, descending=True, stable=True)
    return order[:, :longest]


def _selected(
    features: dict[str, Any], rows: torch.Tensor, columns: torch.Tensor
) -> dict[str, Any]:
    shape = features["input_ids"].shape
    return {
        name: value[rows[:, None], columns]
        if isinstance(value, torch.Tensor) and value.shape == shape
        else value
        for name, value in features.items()
    }
