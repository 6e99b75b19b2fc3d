import numpy as np
import pytest
from candidate_lists import branches, listed
from hypothesis import given
from hypothesis import strategies as st

from retrievo import ConfigError
from retrievo.fuse.convex import Convex
from retrievo.fuse.reciprocal import ReciprocalRank


def test_a_case_by_hand():
    dense = listed([1, 2, 3], [0.9, 0.5, 0.1], bound=1.0, weight=0.4)
    bm25 = listed([3, 4], [6.0, 3.0], bound=10.0, exhaustive=True)
    fused = Convex().fuse({"dense": dense, "bm25": bm25}, 10)
    # Row 3: .4 x .1 + .6 x .6; row 1: .4 x .9; row 4: .4 x .1 (the floor of dense) + .6 x .3.
    assert fused.rows.tolist() == [3, 1, 4, 2]
    assert fused.scores.tolist() == pytest.approx([0.4, 0.36, 0.22, 0.2])
    account = fused.contributions["bm25"]
    assert account.rank.tolist() == [1, 0, 2, 0]
    assert account.weight == pytest.approx(0.6)
    assert account.contribution.tolist() == pytest.approx([0.36, 0, 0.18, 0])
    assert np.isnan(account.score[1]) and account.score[0] == 6.0


def test_given_weights_count_and_are_divided_by_their_sum():
    dense = listed([1, 2], [0.9, 0.1], bound=1.0, weight=0.4, exhaustive=True)
    bm25 = listed([2, 1], [9.0, 1.0], bound=10.0, exhaustive=True)
    only = Convex({"dense": 3.0, "bm25": 0.0}).fuse({"dense": dense, "bm25": bm25}, 2)
    assert only.rows.tolist() == [1, 2] and only.scores.tolist() == pytest.approx([0.9, 0.1])
    other = Convex({"dense": 0.0, "bm25": 1.0}).fuse({"dense": dense, "bm25": bm25}, 2)
    assert other.rows.tolist() == [2, 1]


def test_a_branch_without_a_bound_is_min_max_normalised():
    fused = Convex().fuse({"x": listed([5, 6, 7], [30.0, 20.0, 10.0])}, 3)
    assert fused.scores.tolist() == pytest.approx([1.0, 0.5, 0.0])


def test_weights_must_name_the_branches():
    with pytest.raises(ConfigError, match=r"weights name \['densse'\].*\['bm25', 'dense'\]"):
        Convex({"densse": 1.0}).fuse({"dense": listed([1], [1]), "bm25": listed([1], [1])}, 1)


@pytest.mark.parametrize("weights", [{"a": -1.0}, {"a": 0.0}, {"a": float("nan")}, {}])
def test_weights_that_cannot_be_are_refused(weights):
    with pytest.raises(ConfigError):
        Convex(weights)


@pytest.mark.parametrize("normalise", ["bound", "min-max", "atan"])
@given(branches(), st.integers(1, 40))
def test_scores_lie_between_0_and_1(normalise, made, top_k):
    fused = Convex(normalise=normalise).fuse(made, top_k)
    assert (fused.scores >= 0).all() and (fused.scores <= 1 + 1e-6).all()


def test_auto_is_the_default_until_something_is_measured():
    made = {
        "dense": listed([1, 2, 3], [0.9, 0.5, 0.1], bound=1.0, weight=0.4),
        "bm25": listed([3, 4], [6.0, 3.0], bound=10.0, exhaustive=True),
    }
    auto = Convex("auto")
    assert auto.auto and not Convex().auto and not auto.weighed({"dense": 1.0, "bm25": 1.0}).auto
    assert auto.fuse(made, 4).scores.tolist() == Convex().fuse(made, 4).scores.tolist()
    auto.check_branches(made)
    with pytest.raises(ConfigError, match="for two retrievers, and there are 3 \\(a, b, c\\)"):
        auto.check_branches(["a", "b", "c"])
    with pytest.raises(ConfigError, match="'automatic'"):
        Convex("automatic")


def test_reciprocal_rank_by_hand():
    fused = ReciprocalRank(k=60).fuse(
        {"a": listed([1, 2], [9, 8]), "b": listed([2, 3], [0.2, 0.1])}, 3
    )
    assert fused.rows.tolist() == [2, 1, 3]
    assert fused.scores.tolist() == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_reciprocal_rank_uses_k_and_weights():
    made = {"a": listed([1, 2], [9, 8]), "b": listed([2, 1], [0.2, 0.1])}
    assert ReciprocalRank(weights={"a": 2.0, "b": 1.0}).fuse(made, 2).rows.tolist() == [1, 2]
    assert ReciprocalRank(weights={"a": 1.0, "b": 2.0}).fuse(made, 2).rows.tolist() == [2, 1]
    low, high = ReciprocalRank(k=0), ReciprocalRank(k=1000)
    assert low.fuse(made, 2).scores[0] > 100 * high.fuse(made, 2).scores[0]
    with pytest.raises(ConfigError):
        ReciprocalRank(k=-1)
    with pytest.raises(ConfigError):
        ReciprocalRank(weights={"a": 1.0}).fuse(made, 2)
