"""What the author of a fusion gives the kit, and the lists that its tests share."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from retrievo.testing.refusal import RefusesOverrides
from retrievo.types import Candidates

ROUNDS = 25
"""Drawn lists that each test of what always holds looks at."""


class FusionHooks(RefusesOverrides):
    """A fixture `fusion` must be given; it fuses two branches of the `names`."""

    names: ClassVar[tuple[str, str]] = ("dense", "bm25")
    """Of the branches: the first has cosines, the second an open scale with a bound."""


def listed(rows: Sequence[int], scores: Sequence[float], **more: Any) -> Candidates:
    """Candidates of what is written out."""
    return Candidates(np.array(rows, np.int64), np.array(scores, np.float32), **more)


def drawn(names: Sequence[str], seed: int) -> dict[str, Candidates]:
    """Lists of up to 30 rows that share some, with their bounds; of some rows scored afterwards."""
    draw = np.random.default_rng(seed)
    made = {}
    for name, bound in zip(names, (1.0, 20.0), strict=True):
        n = int(draw.integers(1, 30))
        rows = draw.choice(40, n, replace=False)
        scores = np.sort(draw.random(n) * bound)[::-1]
        found = None
        if draw.random() < 0.5:
            found = int(draw.integers(1, n + 1))
            later = np.argsort(rows[found:])
            rows = np.concatenate([rows[:found], rows[found:][later]])
            scores = np.concatenate([scores[:found], scores[found:][later]])
        exhaustive = bool(draw.random() < 0.3)
        made[name] = listed(
            rows.tolist(), scores.tolist(), bound=bound, exhaustive=exhaustive, found=found
        )
    return made


def order_of(fused: Candidates) -> list[int]:
    """Its rows, best first, and rows of one score by their number."""
    by_score = np.lexsort((fused.rows, -fused.scores))
    rows: list[int] = fused.rows[by_score].tolist()
    return rows


def copies(branches: Mapping[str, Candidates]) -> list[tuple[list[int], list[float]]]:
    return [(one.rows.tolist(), one.scores.tolist()) for one in branches.values()]
