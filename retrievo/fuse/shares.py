"""What each branch counts: weights as they are given, checked, and those that branches ask for."""

from collections.abc import Mapping
from typing import Any

from retrievo.errors import ConfigError
from retrievo.fuse.union import check_names
from retrievo.types import Candidates

MOST = 1e30
"""Beyond it, sums of weights leave the range of a float32 score."""


def checked_weights(weights: Mapping[str, Any], *, some: bool = True) -> dict[str, float]:
    """The weights as they are. Raises ConfigError for what is none, with `some` for all 0."""
    numbers = all(
        isinstance(w, (int, float)) and not isinstance(w, bool) and 0 <= w < MOST
        for w in weights.values()
    )
    if not numbers or (some and not sum(weights.values()) > 0):
        all_0 = ", not all 0" if some else ""
        raise ConfigError(f"fusion weights are numbers from 0 up{all_0}; got {dict(weights)}")
    return {name: float(w) for name, w in weights.items()}


def shares_of(
    weights: Mapping[str, float] | None, branches: Mapping[str, Candidates]
) -> dict[str, float]:
    """Shares of 1 by branch: the weights given, else what the branches ask for (`weight`).

    Branches that ask for nothing share what is left. Raises ConfigError for weights of others.
    """
    if weights is not None:
        check_names(weights, branches)
        total = sum(weights.values())
        return {name: weights[name] / total for name in branches}
    asked = {
        name: float(c.weight)
        for name, c in branches.items()
        if c.weight is not None and 0 <= c.weight < MOST
    }
    silent = [name for name in branches if name not in asked]
    total = sum(asked.values())
    if silent and total < 1:
        rest = dict.fromkeys(silent, (1 - total) / len(silent))
    else:
        rest = dict.fromkeys(silent, 1 / max(len(branches), 1))
    shares = {**asked, **rest}
    total = sum(shares.values()) or 1.0
    return {name: shares[name] / total for name in branches}
