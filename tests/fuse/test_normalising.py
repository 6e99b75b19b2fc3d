"""Each normalisation by hand, and the value of what a branch has not scored."""

import math

import numpy as np
import pytest
from candidate_lists import listed, scores_of

from retrievo import ConfigError
from retrievo.fuse.convex import Convex
from retrievo.fuse.distribution import DistributionBased

# Found: 4, 3; scored afterwards: 1, in the order of its row.
COMPLETED = listed([10, 30, 20], [8.0, 6.0, 1.0], bound=10.0, found=2)


def values(fusion, found, more=None):
    """What the branch gives each row, and row 99, which another branch found."""
    other = listed([99], [0.0], bound=1.0)
    fused = fusion.weighed({"it": 1.0, "other": 0.0}).fuse({"it": found, "other": other}, 10)
    return scores_of(fused)


def test_bound():
    # Row 99 has at most the score of the last row found, not of the last in the list.
    assert values(Convex(), COMPLETED) == pytest.approx({10: 0.8, 30: 0.6, 20: 0.1, 99: 0.6})


def test_min_max():
    wanted = {10: 1.0, 30: 5 / 7, 20: 0.0, 99: 5 / 7}
    assert values(Convex(normalise="min-max"), COMPLETED) == pytest.approx(wanted)


def test_z_score():
    mean, spread = 5.0, math.sqrt((9 + 1 + 16) / 3)
    wanted = {10: 3 / spread, 30: 1 / spread, 20: -4 / spread, 99: 0.0}
    found = values(Convex(normalise="z-score"), COMPLETED)
    assert found[10] == pytest.approx(wanted[10]) and mean == 5.0
    assert found[20] == pytest.approx(wanted[20])
    scores = listed([1, 2, 3], [3.0, 2.0, 1.0])
    step = 1 / math.sqrt(2 / 3)
    wanted = {1: step, 2: 0.0, 3: -step, 99: -step}
    assert values(Convex(normalise="z-score"), scores) == pytest.approx(wanted)


def test_atan():
    wanted = {
        10: 2 / math.pi * math.atan(0.8),
        30: 2 / math.pi * math.atan(0.6),
        20: 2 / math.pi * math.atan(0.1),
        99: 2 / math.pi * math.atan(0.6),
    }
    assert values(Convex(normalise="atan"), COMPLETED) == pytest.approx(wanted)
    cosines = listed([1, 2], [0.9, -0.3], bound=1.0)
    assert values(Convex(normalise="atan"), cosines) == pytest.approx({1: 0.9, 2: 0.0, 99: 0.0})


@pytest.mark.parametrize("normalise", ["bound", "min-max", "atan"])
def test_a_row_that_was_not_found_has_nothing_where_all_that_match_were(normalise):
    found = listed([1, 2], [8.0, 6.0], bound=10.0, exhaustive=True)
    assert values(Convex(normalise=normalise), found)[99] == 0


def test_an_unknown_normalisation_is_refused():
    with pytest.raises(ConfigError, match="normalise is 'minmax'; one of"):
        Convex(normalise="minmax")


def test_weighed_keeps_the_other_settings():
    fusion = Convex(normalise="atan", complete=False).weighed({"it": 2.0})
    assert fusion.complete is False
    assert fusion.fuse({"it": COMPLETED}, 1).scores[0] == pytest.approx(0.4296, abs=1e-4)
    assert DistributionBased(complete=True).weighed({"it": 2.0}).complete


def test_as_qdrant_does():
    qdrant = pytest.importorskip("qdrant_client.hybrid.fusion", reason="the extra qdrant brings it")
    from qdrant_client.http.models import ScoredPoint

    draw = np.random.default_rng(3)
    made, asked = {}, []
    for name, spread in (("a", 1.0), ("b", 30.0), ("c", 0.01)):
        n = int(draw.integers(1, 40))
        rows = draw.choice(60, n, replace=False)
        scores = np.sort(draw.random(n).astype(np.float32) * spread)[::-1]
        made[name] = listed(rows, scores)
        asked.append(
            [
                ScoredPoint(id=int(row), version=0, score=float(score))
                for row, score in zip(rows, scores, strict=True)
            ]
        )
    made["alone"] = listed([7], [3.0])
    asked.append([ScoredPoint(id=7, version=0, score=3.0)])
    wanted = {p.id: p.score for p in qdrant.distribution_based_score_fusion(asked, 100)}
    assert scores_of(DistributionBased().fuse(made, 100)) == pytest.approx(wanted, abs=1e-5)
