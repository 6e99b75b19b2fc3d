import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo import ConfigError
from retrievo.fuse.convex import Convex
from retrievo.fuse.reciprocal import ReciprocalRank
from retrievo.types import Candidates


def listed(rows, scores, **more):
    return Candidates(np.array(rows, np.int64), np.array(scores, np.float32), **more)


@st.composite
def branches(draw):
    made = {}
    for name in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)):
        rows = draw(st.lists(st.integers(0, 30), max_size=15, unique=True))
        scores = sorted(
            draw(st.lists(st.floats(-1, 20, width=32), min_size=len(rows), max_size=len(rows))),
            reverse=True,
        )
        bound = draw(st.sampled_from([None, 1.0, 20.0, 0.0]))
        made[name] = listed(rows, scores, bound=bound, exhaustive=draw(st.booleans()))
    return made


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


@given(branches(), st.integers(1, 40))
def test_contributions_sum_to_the_score_and_nothing_is_lost(made, top_k):
    fused = Convex().fuse(made, top_k)
    total = sum(branch.contribution for branch in fused.contributions.values())
    assert np.allclose(total, fused.scores, atol=1e-6)
    assert (fused.scores >= 0).all() and (fused.scores <= 1 + 1e-6).all()
    assert (np.diff(fused.scores) <= 0).all()
    everything = set(np.concatenate([c.rows for c in made.values()]).tolist())
    assert set(fused.rows.tolist()) <= everything
    assert len(fused) >= min(top_k, len(everything))


@given(branches())
def test_one_branch_alone_keeps_its_order(made):
    name, alone = next(iter(made.items()))
    weights = {n: float(n == name) for n in made}
    fused = Convex(weights).fuse(made, 100)
    position = {row: i for i, row in enumerate(fused.rows.tolist())}
    scores = fused.scores
    for better, worse in zip(alone.rows.tolist(), alone.rows.tolist()[1:], strict=False):
        assert scores[position[better]] >= scores[position[worse]]


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


@given(branches(), st.integers(1, 40))
def test_reciprocal_rank_sums_up_as_well(made, top_k):
    fused = ReciprocalRank().fuse(made, top_k)
    total = sum(branch.contribution for branch in fused.contributions.values())
    assert np.allclose(total, fused.scores, atol=1e-6)
