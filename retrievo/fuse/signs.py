"""What a list of candidates says of how sure its branch is, without any label."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from retrievo.fuse.normalising import by_bound
from retrievo.fuse.union import Values, found_by
from retrievo.types import Candidates

HEAD = 10
"""The first so many rows are what signs are about: what a user looks at."""


class Signs(NamedTuple):
    """Of one branch and one query, each in [0, 1]; all 0 where it found nothing.

    `top` is the best score's share of the bound: of BM25 how much of the query's idf a passage
    saturates, so that a query of words that stand together nowhere has a low one. `gap` is how far
    the best score is above the last of the head, in shares of itself. `focus` is 1 - the entropy of
    the head's scores above its last, over that of equal ones: 1 where one row stands alone.
    `agreement` is the share of the head that another branch has in its own head.
    """

    top: float
    gap: float
    focus: float
    agreement: float


NO_SIGNS = Signs(0.0, 0.0, 0.0, 0.0)


def signs_of(branches: Mapping[str, Candidates]) -> dict[str, Signs]:
    """The signs of each branch, from the lists alone."""
    heads = {name: found.rows[: min(found_by(found), HEAD)] for name, found in branches.items()}
    made = {}
    for name, found in branches.items():
        n = len(heads[name])
        if not n:
            made[name] = NO_SIGNS
            continue
        values = by_bound(found)[0]
        others = [rows for other, rows in heads.items() if other != name]
        shared = np.isin(heads[name], np.concatenate(others)).mean() if others else 0.0
        top = float(values[0])
        # A list that ends before the tenth row has nothing there.
        last = float(values[HEAD - 1]) if n == HEAD else 0.0
        gap = (top - last) / top if top > 0 else 0.0
        made[name] = Signs(top, gap, _focus(values[:n] - last), float(shared))
    return made


def _focus(above: Values) -> float:
    total = float(above.sum())
    if len(above) < 2 or total <= 0:
        return float(len(above) == 1)
    shares = above[above > 0] / total
    return 1 + float((shares * np.log(shares)).sum()) / float(np.log(len(above)))
