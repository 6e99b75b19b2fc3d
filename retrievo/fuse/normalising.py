"""Scores of one branch brought to a scale on which branches can be added up.

Each takes a branch and gives its rows' values in float64, and the floor: the value of a row that
the branch has not scored. That is the value of the last row that it found, the most that such a row
can have, and 0 where it found all that match.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np

from retrievo.errors import ConfigError
from retrievo.fuse.union import Values, found_by
from retrievo.types import Candidates

Normalise = Literal["bound", "min-max", "z-score", "atan"]
Normalised = tuple[Values, float]

ATAN_SCALE = 0.1
"""Bruch et al. 2023 take 1; of BM25's scores, up to 30, that leaves nothing above .98."""


def checked_normalise(name: str) -> Normalise:
    """Raises ConfigError for an unknown one."""
    if name not in NORMALISERS:
        raise ConfigError(f"normalise is {name!r}; one of {get_args(Normalise)} is wanted")
    return name  # type: ignore[return-value]  # it is a key


def by_bound(found: Candidates) -> Normalised:
    """Score / bound, in [0, 1]; min-max where the branch tells no bound."""
    bound = found.bound
    if bound is None or not math.isfinite(bound):
        return by_min_max(found)
    values = found.scores.astype(np.float64)
    if bound > 0:
        values /= bound
    np.minimum(np.maximum(values, 0, out=values), 1, out=values)
    return values, _floor(found, values)


def by_min_max(found: Candidates) -> Normalised:
    """(score - lowest) / (highest - lowest); all 1 where they are equal."""
    values = found.scores.astype(np.float64)
    if not len(values):
        return values, 0.0
    low, high = float(values.min()), float(values.max())
    values = np.ones_like(values) if high == low else (values - low) / (high - low)
    return values, _floor(found, values)


def by_z_score(found: Candidates) -> Normalised:
    """(score - mean) / standard deviation; all 0 where they are equal."""
    values = found.scores.astype(np.float64)
    if not len(values):
        return values, 0.0
    mean, spread = float(values.mean()), float(values.std())
    # Some numbers of some models are constant: guard the division.
    values = (values - mean) / spread if spread > 1e-12 * max(1.0, abs(mean)) else values * 0
    # Also where all that match were found: how far below them a score of 0 lies says more of the
    # spread of the list than of the row.
    return values, float(values[: found_by(found)].min(initial=0.0))


def by_atan(found: Candidates) -> Normalised:
    """(2/π) atan(score / 10), in [0, 1), and a score whose bound is at most 1 as it is."""
    values = np.maximum(found.scores.astype(np.float64), 0)
    if found.bound is not None and found.bound <= 1:
        np.minimum(values, 1, out=values)
    else:
        values = (2 / math.pi) * np.arctan(ATAN_SCALE * values)
    return values, _floor(found, values)


NORMALISERS: Mapping[str, Callable[[Candidates], Normalised]] = MappingProxyType(
    {"bound": by_bound, "min-max": by_min_max, "z-score": by_z_score, "atan": by_atan}
)


def _floor(found: Candidates, values: Values) -> float:
    n = found_by(found)
    return float(values[n - 1]) if n and not found.exhaustive else 0.0
