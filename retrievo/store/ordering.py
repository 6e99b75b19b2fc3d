"""The order of candidates: best score first, equal scores by row, so that it is repeatable."""

import numpy as np

from retrievo.types import Candidates, Rows, Scores


def best_first(rows: Rows, scores: Scores, depth: int, *, exhaustive: bool) -> Candidates:
    """At most `depth` candidates of unordered rows and scores."""
    order = np.lexsort((rows, -scores))[:depth]
    return Candidates(rows[order], scores[order], exhaustive=exhaustive)
