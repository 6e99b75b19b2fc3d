"""What every reranker hands back: the positions that it read, best first, with finite scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.errors import SearchError
from retrievo.types import Candidates, Scores

DEPTH = 50
"""How many candidates a reranker is handed that does not say otherwise."""


def best_first(
    who: str,
    scores: Any,
    top_k: int,
    *,
    scored_by: Sequence[str] | None = None,
    bound: float | None = None,
) -> Candidates:
    """The positions 0 to n - 1 of so many scores, the highest first, at most `top_k`.

    Equal scores keep the order given. Raises SearchError for a score that is not finite.
    """
    values = np.asarray(scores, np.float32).reshape(-1)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise SearchError(
            f"{who} gave a score that is no number to {len(bad)} of {len(values)} chunks, number "
            f"{int(bad[0])} the first: {values[bad[0]]}"
        )
    order = np.argsort(-values, kind="stable")[: max(0, top_k)]
    ways = None if scored_by is None else [scored_by[place] for place in order.tolist()]
    return Candidates(order.astype(np.int64), values[order], bound, scored_by=ways)


def nothing() -> Candidates:
    """The ranking of no chunks."""
    return Candidates(np.empty(0, np.int64), np.empty(0, np.float32))


def with_last(scores: Scores, last: npt.NDArray[np.bool_]) -> Scores:
    """The scores, those of `last` just below the lowest other one, or 0 where all are.

    A number of our own would be on another scale than the model's.
    """
    others = scores[~last]
    lowest = np.nextafter(others.min(), np.float32(-np.inf)) if len(others) else np.float32(0)
    return np.where(last, lowest, scores).astype(np.float32)
