"""Weights that follow how sure a branch looks: the signs and the weights of a case by hand."""

import math

import numpy as np
import pytest

from retrievo import ConfigError
from retrievo.fuse.convex import Convex
from retrievo.fuse.gated import Gated
from retrievo.fuse.signs import NO_SIGNS, signs_of
from retrievo.types import Candidates


def found(rows, scores, bound=1.0, **given):
    return Candidates(np.array(rows, np.int64), np.array(scores, np.float32), bound, **given)


SURE = found(range(10), [0.8, *[0.4] * 9])
FLAT = found(range(5, 15), [1.0] * 10, bound=2.0)


def test_the_signs_of_two_lists():
    signs = signs_of({"sure": SURE, "flat": FLAT})
    sure, flat = signs["sure"], signs["flat"]
    assert sure.top == pytest.approx(0.8)
    assert sure.gap == pytest.approx((0.8 - 0.4) / 0.8)
    assert sure.focus == pytest.approx(1)  # one row stands alone above the tenth
    assert sure.agreement == pytest.approx(0.5)  # rows 5 to 9 of 10
    assert (flat.top, flat.gap, flat.focus) == pytest.approx((0.5, 0, 0))
    assert flat.agreement == pytest.approx(0.5)


def test_focus_is_one_less_the_normalised_entropy():
    two = found(range(10), [0.5, 0.5, *[0.1] * 8])
    assert signs_of({"a": two})["a"].focus == pytest.approx(1 - math.log(2) / math.log(10))


def test_a_list_that_ends_early_has_nothing_at_the_tenth_place():
    [signs] = signs_of({"a": found([1, 2], [0.6, 0.3])}).values()
    assert signs.gap == pytest.approx(1) and signs.agreement == 0
    assert signs_of({"a": found([], [])})["a"] == NO_SIGNS


def test_rows_that_were_scored_afterwards_are_no_sign():
    late = found([*range(10), 99], [0.8, *[0.4] * 9, 0.0], found=10)
    assert signs_of({"a": late}) == signs_of({"a": SURE})


def test_the_weights_by_hand():
    branches = {"sure": SURE, "flat": FLAT}
    fused = Gated({"sure": 0.5, "flat": 0.5}, strengths={"gap": 2.0}).fuse(branches, 20)
    weight = math.exp(2 * 0.5) / (math.exp(2 * 0.5) + 1)
    told = {name: one.weight for name, one in fused.contributions.items()}
    assert told == pytest.approx({"sure": weight, "flat": 1 - weight})
    best = fused.rows.tolist().index(0)
    # Row 0 was not found by the flat branch: its floor there is its last score, .5.
    assert fused.scores[best] == pytest.approx(weight * 0.8 + (1 - weight) * 0.5, abs=1e-6)


def test_without_strength_it_is_convex():
    branches = {"sure": SURE, "flat": FLAT}
    weights = {"sure": 0.3, "flat": 0.7}
    plain, gated = Convex(weights), Gated(weights, strengths={})
    one, other = plain.fuse(branches, 20), gated.fuse(branches, 20)
    assert one.rows.tolist() == other.rows.tolist()
    assert one.scores.tolist() == pytest.approx(other.scores.tolist())


@pytest.mark.parametrize("strengths", [{"gaps": 1}, {"gap": float("nan")}, {"top": 51}])
def test_strengths_that_cannot_be(strengths):
    with pytest.raises(ConfigError, match="strengths are numbers from -50 to 50 for the signs"):
        Gated(strengths=strengths)
