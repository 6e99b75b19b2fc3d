"""Positions beyond a table's end: grouped, repeated, or between the rows that were trained.

Zhu et al. 2024, LongEmbed: Extending Embedding Models for Long Context Retrieval, section 4.1.
"""

from collections.abc import Callable
from math import ceil

import torch
from torch import nn
from transformers import PreTrainedModel

from retrievo.encode.extension.architectures import Architecture
from retrievo.encode.transformer.twin import exchanged
from retrievo.errors import ConfigError

Positions = Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]
"""Rows of the table for int64[n, tokens] places and int64[n, 1] lengths, of a window."""


def grouped(places: torch.Tensor, lengths: torch.Tensor, window: int) -> torch.Tensor:
    """`gp`: s neighbours share a row, s the least number with which the text fits."""
    return places // ((lengths + window - 1) // window)


def recurrent(places: torch.Tensor, lengths: torch.Tensor, window: int) -> torch.Tensor:
    """`rp`: the rows again from the first."""
    return places % window


def interpolated(places: torch.Tensor, lengths: torch.Tensor, window: int) -> torch.Tensor:
    """`pi`: the rows of the longer table, one by one."""
    return places


RULES: dict[str, Positions] = {"gp": grouped, "rp": recurrent, "pi": interpolated}


def interpolated_table(rows: torch.Tensor, target: int) -> torch.Tensor:
    """float[target, width] with s - 1 rows between each two of float[window, width].

    s = ceil(target / window): row i * s is row i of the old table, those between are mixed in
    equal steps, and behind the last old row, which has no right neighbour, it is repeated.
    """
    window = len(rows)
    stretch = ceil(target / window)
    places = torch.arange(target, device=rows.device)
    left = places // stretch
    right = (left + 1).clamp(max=window - 1)
    share = ((places % stretch) / stretch)[:, None]
    wide = rows.float()
    mixed = ((1 - share) * wide[left] + share * wide[right]).to(rows.dtype)
    # A share of 0 would spread an infinite number of the next row as not a number.
    return torch.where(share == 0, rows[left], mixed)


def with_table(
    backbone: PreTrainedModel, known: Architecture, mode: str, window: int, target: int
) -> PreTrainedModel:
    """A twin that reads the positions of the mode; the original stays as it is.

    Raises ConfigError where the table is shorter than the window that the model declares.
    """
    old: nn.Embedding = backbone.get_submodule(str(known.table))
    if known.first + window > old.num_embeddings:
        raise ConfigError(
            f"the model declares a window of {window} tokens and its position table has "
            f"{old.num_embeddings} rows: set its max_seq_length to at most "
            f"{old.num_embeddings - known.first}"
        )
    if mode != "pi":
        return exchanged(backbone, {})
    with torch.no_grad():
        head, own = old.weight[: known.first], old.weight[known.first : known.first + window]
        rows = torch.cat([head, interpolated_table(own, target)])
    table = nn.Embedding.from_pretrained(rows, freeze=True, padding_idx=old.padding_idx)
    twin = exchanged(backbone, {str(known.table): table})
    embeddings = twin.get_submodule(str(known.table).rpartition(".")[0])
    # BERT looks up the types of its tokens, all 0, at their positions.
    types = embeddings._buffers.get("token_type_ids")
    if types is not None:
        longer = types.new_zeros((1, len(rows)))
        vars(embeddings)["_buffers"] = {**embeddings._buffers, "token_type_ids": longer}
    return twin
