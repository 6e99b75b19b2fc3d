"""A branch that says nothing, or nonsense, does not sink the others."""

import numpy as np
import pytest

from retrievo.contracts import Fusion
from retrievo.telling import collecting
from retrievo.testing.fusions.hooks import FusionHooks, listed, order_of
from retrievo.types import Candidates

GOOD = {
    True: listed([7, 3, 9, 1], [0.9, 0.7, 0.4, 0.2], bound=1.0),
    False: listed([7, 3, 9, 1], [18.0, 14.0, 8.0, 4.0], bound=20.0),
}
"""A list of the first branch's scale, and one of the second's."""

OUTSIDER = 50
SILENT = {
    "nothing": listed([], []),
    "nothing, and no bound": listed([], [], exhaustive=True, bound=0.0),
    "all equal": listed([1, 9, OUTSIDER], [0.5, 0.5, 0.5], bound=1.0),
    "all 0": listed([1, 9, OUTSIDER], [0.0, 0.0, 0.0], bound=1.0),
    "all equal, no bound": listed([1, 9, OUTSIDER], [4.0, 4.0, 4.0]),
}
NONSENSE = {
    "NaN": listed([1, 9, OUTSIDER], [np.nan] * 3, bound=1.0),
    "infinite": listed([1, 9, OUTSIDER], [np.inf, np.inf, -np.inf], bound=1.0),
}


class Silence(FusionHooks):
    """The order of the other branch is what it would be alone."""

    @pytest.mark.parametrize("first", [True, False], ids=["second is silent", "first is silent"])
    @pytest.mark.parametrize("what", SILENT)
    def test_a_branch_that_says_nothing_leaves_the_other_in_its_order(
        self, fusion: Fusion, what: str, first: bool
    ) -> None:
        self._keeps_order(fusion, SILENT[what], first=first)

    @pytest.mark.parametrize("first", [True, False], ids=["second is broken", "first is broken"])
    @pytest.mark.parametrize("what", NONSENSE)
    def test_scores_that_are_no_numbers_do_no_harm_and_are_told_of(
        self, fusion: Fusion, what: str, first: bool
    ) -> None:
        told = self._keeps_order(fusion, NONSENSE[what], first=first)
        broken = self.names[1] if first else self.names[0]
        assert any(broken in one for one in told), f"nothing is told of {broken!r}'s scores"

    def _keeps_order(self, fusion: Fusion, bad: Candidates, *, first: bool) -> list[str]:
        good, other = self.names if first else reversed(self.names)
        with collecting() as told:
            fused = fusion.fuse({good: GOOD[first], other: bad}, 10)
        assert np.isfinite(fused.scores).all(), "a score of the answer is no finite number"
        kept = [row for row in order_of(fused) if row != OUTSIDER]
        assert kept == GOOD[first].rows.tolist(), f"{other!r} changed the order of {good!r}"
        return told

    def test_rows_with_a_good_score_stay_where_others_have_none(self, fusion: Fusion) -> None:
        first, second = self.names
        spoilt = listed([3, OUTSIDER, 7], [9.0, np.nan, 1.0], bound=20.0)
        with collecting():
            fused = fusion.fuse({first: GOOD[True], second: spoilt}, 10)
        assert set(fused.rows.tolist()) == {7, 3, 9, 1}
        assert fused.contributions is not None
        at = fused.rows.tolist().index(3)
        assert fused.contributions[second].score[at] == np.float32(9.0)

    def test_both_found_nothing(self, fusion: Fusion) -> None:
        first, second = self.names
        assert len(fusion.fuse({first: listed([], []), second: listed([], [])}, 10)) == 0
