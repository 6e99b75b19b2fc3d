"""What a learned fusion knows of a row: by branch its score, its relative score, its rank."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from retrievo.fuse.normalising import by_bound, by_min_max
from retrievo.fuse.reciprocal import ranked
from retrievo.fuse.union import Union, Values
from retrievo.types import Candidates

FEATURES = ("score", "relative", "rank")
K = 10
"""Ranks count as K / (K + rank), so that all three features are in [0, 1]."""


def features_of(
    union: Union, branches: Mapping[str, Candidates]
) -> Mapping[str, tuple[Values, ...]]:
    """Of each branch a value a row of the union, for each of FEATURES."""
    made = {}
    for name, found in branches.items():
        n = ranked(found)
        rank = np.zeros(len(union.rows))
        rank[union.places[name][:n]] = K / (K + np.arange(1, n + 1))
        score = union.filled(name, *by_bound(found))
        made[name] = (score, union.filled(name, *by_min_max(found)), rank)
    return MappingProxyType(made)
