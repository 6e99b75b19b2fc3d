"""Where the heads of a ladder begin: fitted in closed form to the original model's vectors."""

from collections.abc import Mapping, Sequence

from retrievo.encode.matryoshka.heads import Head, fit_pca, fit_ridge, unit
from retrievo.encode.matryoshka.ladder import Cut
from retrievo.telling import collecting
from retrievo.types import Vectors


def principal(teacher: Vectors, layers: int) -> Vectors:
    """The directions of the teacher's vectors, float32[dim, dim], those that carry most first.

    A narrow point keeps of the teacher's vectors what lies in the first of them.
    """
    with collecting():  # few texts make poor heads, and the scores of the points will tell it
        directions = fit_pca(teacher, layers=layers).matrix
    assert directions is not None
    return directions


def fit_heads(
    states: Mapping[int, Vectors],
    teacher: Vectors,
    directions: Vectors,
    points: Sequence[Cut],
    *,
    seed: int,
) -> dict[Cut, Head]:
    """A ridge head for each point below the full one, into the first of the directions.

    `states` are unit vectors of texts by depth, `teacher` those of the full original model. The
    full point has no head, so that the model without a cut stays one that needs no ladder.
    """
    with collecting():
        return {
            (layers, dim): fit_ridge(
                states[layers], unit(teacher @ directions[:, :dim]), layers=layers, seed=seed
            )
            for layers, dim in points
            if (layers, dim) != max(points)
        }
