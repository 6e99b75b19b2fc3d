"""The (layers, dim) list of a ladder: read from text, made for a model, checked against it."""

from collections.abc import Sequence
from itertools import pairwise

from retrievo.encode.matryoshka.ladder import Cut
from retrievo.errors import ConfigError

_STEPS = 6
# Of the width, by depth: for 6 layers and 384 dims (1,32) (2,64) (3,96) (4,128) (5,256) (6,384).
# Starbucks' own list for 12 layers and 768 dims begins narrower: 32 64 128 256 512 768.
_SHARES = (1 / 12, 1 / 6, 1 / 4, 1 / 3, 2 / 3, 1)


def parse_points(text: str) -> tuple[Cut, ...]:
    """The points of "1:32,2:64", in the order given.

    Raises ConfigError, naming the part, for what is no pair of whole numbers.
    """
    points = []
    for part in text.split(","):
        layers, separator, dim = part.strip().partition(":")
        if not (separator and layers.strip().isdecimal() and dim.strip().isdecimal()):
            raise ConfigError(
                f"{part.strip()!r} in the points {text!r} is no LAYERS:DIM; "
                "whole numbers are wanted, as in 1:32,2:64"
            )
        points.append((int(layers), int(dim)))
    return tuple(points)


def default_points(layers: int, dim: int) -> tuple[Cut, ...]:
    """Six points from a sixth of the model up to all of it; fewer for fewer layers."""
    points: dict[int, int] = {}
    for step, share in enumerate(_SHARES, start=1):
        width = dim if share == 1 else max(1, min(dim, round(dim * share / 8) * 8))
        points[max(1, round(layers * step / _STEPS))] = width
    return tuple(sorted(points.items()))


def check_points(points: Sequence[Cut], layers: int, dim: int) -> tuple[Cut, ...]:
    """The points, and the full model's (layers, dim) at the end where it is not among them.

    Raises ConfigError for a point outside the model, for one that is there twice, and for points
    that do not grow in layers or, at equal layers, in dim: a deeper point that is narrower than
    the one before it is most likely a slip.
    """
    if not points:
        raise ConfigError("no points were given; write LAYERS:DIM with commas between")
    for point in points:
        if not (1 <= point[0] <= layers and 1 <= point[1] <= dim):
            raise ConfigError(
                f"the point {point[0]}:{point[1]} is outside the model, which has {layers} layers "
                f"and {dim} dimensions"
            )
    for before, after in pairwise(points):
        if before == after:
            raise ConfigError(f"the point {after[0]}:{after[1]} is there twice")
        if after[0] < before[0] or after[1] < before[1]:
            raise ConfigError(
                f"the point {after[0]}:{after[1]} comes after {before[0]}:{before[1]}; "
                "layers and dims must both grow, or one of them with the other equal"
            )
    whole = (layers, dim)
    return tuple(points) if whole in points else (*points, whole)
