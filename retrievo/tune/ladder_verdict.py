"""Which points of a ladder may be declared: one can collapse while its neighbours do well."""

from collections.abc import Iterator, Sequence

from retrievo.encode.matryoshka.ladder import Point
from retrievo.errors import EncoderError
from retrievo.telling import tell


def verdict(points: Sequence[Point], keep_collapsed: bool) -> tuple[list[Point], list[Point]]:
    """The points to declare, and those that collapsed, each of which is told.

    A point collapsed when by some metric it is worse than before the training, or gets less than
    half of what a smaller point gets. Zhuang et al. 2024 report one such point (Quora at their
    second largest: .02 beside .8), which an average over points or collections does not show.
    Raises EncoderError where the full model, the last of the points, loses a quarter.
    """
    *below, full = points
    for metric, before in full.raw.items():
        if full.trained[metric] < 0.75 * before:
            raise EncoderError(
                f"the training spoiled the full model: {metric} went from {before:.3f} to "
                f"{full.trained[metric]:.3f}; lower the learning rate or take fewer steps. "
                "Nothing was written"
            )
    declared: list[Point] = []
    refused: list[Point] = []
    for place, point in enumerate(below):
        reasons = list(_reasons(point, points[:place]))
        if reasons:
            tell(
                f"the point {point} collapsed: {'; '.join(reasons)}; it is "
                + ("declared all the same" if keep_collapsed else "not declared")
            )
        (refused if reasons and not keep_collapsed else declared).append(point)
    return [*declared, full], refused


def _reasons(point: Point, smaller: Sequence[Point]) -> Iterator[str]:
    for metric, score in point.trained.items():
        if score < point.raw[metric]:
            yield f"{metric} {score:.3f} is less than the {point.raw[metric]:.3f} of a raw cut"
        for other in smaller:
            if score < 0.5 * other.trained[metric]:
                yield (
                    f"{metric} {score:.3f} is less than half of the {other.trained[metric]:.3f} "
                    f"of {other}"
                )
                break
