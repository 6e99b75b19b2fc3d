"""Weights weigh: those of one query, by the names of the branches."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from retrievo.contracts import Fusion
from retrievo.errors import ConfigError
from retrievo.testing.fusions.hooks import ROUNDS, FusionHooks, drawn, listed

DEEP = 1_000


def _weighed(fusion: Fusion) -> Callable[[Mapping[str, float]], Fusion]:
    found: Callable[[Mapping[str, float]], Fusion] | None = getattr(fusion, "weighed", None)
    if found is None:
        pytest.skip("this fusion takes no weights of a query: it has no `weighed`")
    return found


class Weighing(FusionHooks):
    """Where a fusion has `weighed`."""

    @pytest.mark.parametrize("at", [0, 1], ids=["[1, 0]", "[0, 1]"])
    def test_one_weight_alone_gives_the_order_of_its_branch(self, fusion: Fusion, at: int) -> None:
        weighed = _weighed(fusion)
        name, other = self.names[at], self.names[1 - at]
        for seed in range(ROUNDS):
            branches = drawn(self.names, seed)
            fused = weighed({name: 1.0, other: 0.0}).fuse(branches, DEEP)
            scores = dict(zip(fused.rows.tolist(), fused.scores.tolist(), strict=True))
            found = branches[name].rows[: branches[name].found].tolist()
            mine = [scores[row] for row in found]
            assert (np.diff(mine) <= 0).all(), f"{other!r} has the weight 0 and changes the order"
            assert fused.contributions is not None
            assert not fused.contributions[other].contribution.any()

    def test_the_branch_of_more_weight_decides(self, fusion: Fusion) -> None:
        weighed, (first, second) = _weighed(fusion), self.names
        branches = {
            first: listed([1, 2], [0.9, 0.1], bound=1.0),
            second: listed([2, 1], [18.0, 2.0], bound=20.0),
        }
        for more in (3.0, 300.0):
            assert weighed({first: more, second: 1.0}).fuse(branches, 1).rows.tolist() == [1]
            assert weighed({first: 1.0, second: more}).fuse(branches, 1).rows.tolist() == [2]

    def test_weights_of_one_query_do_not_stay(self, fusion: Fusion) -> None:
        weighed, branches = _weighed(fusion), drawn(self.names, 2)
        before = fusion.fuse(branches, 10).scores.tolist()
        weighed(dict(zip(self.names, (0.1, 0.9), strict=True))).fuse(branches, 10)
        assert fusion.fuse(branches, 10).scores.tolist() == before

    @pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
    def test_a_weight_that_cannot_be_is_refused(self, fusion: Fusion, weight: float) -> None:
        weighed, (first, second) = _weighed(fusion), self.names
        with pytest.raises(ConfigError):
            weighed({first: weight, second: 1.0})

    def test_weights_of_other_branches_are_refused(self, fusion: Fusion) -> None:
        weighed = _weighed(fusion)
        with pytest.raises(ConfigError, match="nobody"):
            weighed({"nobody": 1.0}).fuse(drawn(self.names, 1), 10)
