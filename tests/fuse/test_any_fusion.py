"""What holds for every fusion: weights weigh, contributions add up, a bad branch does no harm."""

from itertools import pairwise

import numpy as np
import pytest
from candidate_lists import branches, listed, scores_of
from hypothesis import given
from hypothesis import strategies as st

from retrievo import ConfigError
from retrievo.fuse.convex import Convex
from retrievo.fuse.distribution import DistributionBased
from retrievo.fuse.gated import Gated
from retrievo.fuse.reciprocal import ReciprocalRank
from retrievo.telling import collecting

FUSIONS = {
    "bound": Convex(),
    "min-max": Convex(normalise="min-max"),
    "z-score": Convex(normalise="z-score"),
    "atan": Convex(normalise="atan"),
    "rrf": ReciprocalRank(),
    "dbsf": DistributionBased(),
    "gated": Gated(),
}
every_fusion = pytest.mark.parametrize("fusion", FUSIONS.values(), ids=FUSIONS)

GOOD = listed([7, 3, 9, 1], [0.9, 0.7, 0.4, 0.2], bound=1.0)


@every_fusion
@given(made=branches(), top_k=st.integers(1, 40))
def test_contributions_add_up_and_nothing_is_lost(fusion, made, top_k):
    fused = fusion.fuse(made, top_k)
    total = sum(branch.contribution.astype(np.float64) for branch in fused.contributions.values())
    assert np.allclose(total, fused.scores, rtol=1e-6, atol=1e-6)
    assert (np.diff(fused.scores) <= 0).all()
    everything = set(np.concatenate([c.rows for c in made.values()]).tolist())
    assert set(fused.rows.tolist()) <= everything
    assert len(fused) >= min(top_k, len(everything))
    whole = scores_of(fusion.fuse(made, 100))
    assert set(whole) == everything
    assert scores_of(fused).items() <= whole.items()


@every_fusion
@given(made=branches(), data=st.data())
def test_one_weight_alone_keeps_the_order_of_its_branch(fusion, made, data):
    name = data.draw(st.sampled_from(sorted(made)))
    alone = made[name]
    fused = scores_of(fusion.weighed({n: float(n == name) for n in made}).fuse(made, 100))
    found = alone.rows[: alone.found].tolist()
    assert all(fused[a] >= fused[b] for a, b in pairwise(found))
    if isinstance(fusion, ReciprocalRank):
        return
    # Of what was scored afterwards the score decides as well.
    by_score = alone.rows[np.argsort(-alone.scores, kind="stable")].tolist()
    values = [fused[row] for row in by_score]
    assert all(a >= b for a, b in pairwise(values))


@every_fusion
def test_a_weight_of_its_own_decides(fusion):
    made = {"a": listed([1, 2], [0.9, 0.1], bound=1.0), "b": listed([2, 1], [0.8, 0.1], bound=1.0)}
    for first, second in ((1.0, 0.0), (0.8, 0.2), (5.0, 1.0)):
        assert fusion.weighed({"a": first, "b": second}).fuse(made, 2).rows.tolist() == [1, 2]
        assert fusion.weighed({"a": second, "b": first}).fuse(made, 2).rows.tolist() == [2, 1]


@every_fusion
def test_what_branches_found_says_of_each_its_rank_and_score(fusion):
    completed = listed([5, 9, 2, 7], [0.8, 0.6, 0.1, 0.3], bound=1.0, found=2)
    fused = fusion.fuse({"good": GOOD, "completed": completed}, 10)
    at = {row: i for i, row in enumerate(fused.rows.tolist())}
    account = fused.contributions["completed"]
    assert [account.rank[at[row]] for row in (5, 9, 2, 7, 3)] == [1, 2, 0, 0, 0]
    assert account.score[at[7]] == np.float32(0.3) and np.isnan(account.score[at[3]])


BAD = {
    "found nothing": listed([], []),
    "found nothing at all": listed([], [], exhaustive=True, bound=0.0),
    "NaN": listed([1, 9, 50], [np.nan] * 3, bound=1.0),
    "infinite": listed([1, 9, 50], [np.inf, np.inf, -np.inf], bound=1.0),
    "all equal": listed([1, 9, 50], [0.5, 0.5, 0.5], bound=1.0),
    "all 0": listed([1, 9, 50], [0.0, 0.0, 0.0], bound=1.0),
    "all equal, no bound": listed([1, 9, 50], [4.0, 4.0, 4.0]),
    "all equal, completed": listed([50, 1, 3, 7, 9], [2.0] * 5, found=1),
    "bound NaN": listed([], [], bound=float("nan")),
}


@every_fusion
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_branch_that_says_nothing_leaves_the_others_in_their_order(fusion, bad):
    with collecting():
        fused = fusion.fuse({"good": GOOD, "bad": bad}, 10)
    assert np.isfinite(fused.scores).all()
    assert [row for row in fused.rows.tolist() if row != 50] == GOOD.rows.tolist()
    for account in fused.contributions.values():
        assert np.isfinite(account.contribution).all() and np.isfinite(account.normalised).all()


@every_fusion
def test_rows_without_a_finite_score_are_left_out_and_told_of(fusion):
    rows, scores = [7, 50, 3, 60], [0.9, np.nan, 0.2, np.inf]
    spoilt = listed(rows, scores, bound=1.0, found=3, scored_by=["x"] * 4)
    with collecting() as told:
        fused = fusion.fuse({"good": GOOD, "spoilt": spoilt}, 10)
    assert set(fused.rows.tolist()) == {7, 3, 9, 1}
    assert told == [
        "2 of 4 scores of the retriever 'spoilt' are no finite numbers; "
        "those rows are left out of its list"
    ]
    clean = listed([7, 3], [0.9, 0.2], bound=1.0, found=2)
    assert scores_of(fused) == scores_of(fusion.fuse({"good": GOOD, "spoilt": clean}, 10))


@every_fusion
def test_scores_at_the_end_of_their_range_do_not_overflow(fusion):
    most = float(np.finfo(np.float32).max)
    wide = listed([3, 7, 9, 1], [most, most, 0.0, -most])
    with collecting() as told:
        fused = fusion.fuse({"good": GOOD, "wide": wide}, 10)
    assert np.isfinite(fused.scores).all() and told == []


@every_fusion
def test_a_weight_of_0_takes_a_branch_out(fusion):
    noise = listed([1, 9, 3, 7], [9.0, 8.0, 7.0, 6.0])
    fused = fusion.weighed({"good": 1.0, "noise": 0.0}).fuse({"good": GOOD, "noise": noise}, 4)
    assert fused.rows.tolist() == GOOD.rows.tolist()
    assert not fused.contributions["noise"].contribution.any()


@every_fusion
def test_one_branch_alone(fusion):
    fused = fusion.fuse({"good": GOOD}, 10)
    assert fused.rows.tolist() == GOOD.rows.tolist()


@every_fusion
def test_rows_of_any_size_are_told_apart(fusion):
    far = [2**62, 5, 2**62 + 1, 2**40]
    fused = fusion.fuse({"good": listed(far, [0.9, 0.7, 0.4, 0.2], bound=1.0)}, 10)
    assert fused.rows.tolist() == far


@every_fusion
def test_no_rows_wanted_and_no_branches(fusion):
    assert len(fusion.fuse({"good": GOOD}, 0)) == 0
    assert len(fusion.fuse({}, 10)) == 0


@every_fusion
@pytest.mark.parametrize("weights", [{"good": -1.0}, {"good": float("nan")}, {"good": "much"}])
def test_weights_that_cannot_be_are_refused(fusion, weights):
    with pytest.raises(ConfigError, match="numbers from 0 up"):
        fusion.weighed(weights)


@every_fusion
def test_weights_of_other_branches_are_refused(fusion):
    with pytest.raises(ConfigError, match=r"weights name \['densse'\].*\['good'\]"):
        fusion.weighed({"densse": 1.0}).fuse({"good": GOOD}, 10)
    with pytest.raises(ConfigError):
        fusion.weighed({"densse": 1.0}).check_branches(["good"])
