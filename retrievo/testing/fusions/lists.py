"""What comes back: known rows, each once, best first, with an account that adds up."""

import numpy as np

from retrievo.contracts import Fusion
from retrievo.testing.fusions.hooks import ROUNDS, FusionHooks, copies, drawn, listed

DEEP = 1_000


class Lists(FusionHooks):
    """Rows, scores, ties and contributions, of lists that are drawn."""

    def test_is_a_fusion(self, fusion: Fusion) -> None:
        assert isinstance(fusion, Fusion)
        assert isinstance(getattr(fusion, "complete", False), bool)

    def test_dtypes_and_shapes(self, fusion: Fusion) -> None:
        fused = fusion.fuse(drawn(self.names, 1), 10)
        assert fused.rows.dtype == np.int64, f"rows are {fused.rows.dtype}, int64 is wanted"
        assert fused.scores.dtype == np.float32, f"scores are {fused.scores.dtype}"
        assert fused.rows.shape == fused.scores.shape == (len(fused),)

    def test_each_row_that_a_branch_has_comes_once(self, fusion: Fusion) -> None:
        for seed in range(ROUNDS):
            branches = drawn(self.names, seed)
            fused = fusion.fuse(branches, DEEP)
            known = set(np.concatenate([one.rows for one in branches.values()]).tolist())
            assert sorted(fused.rows.tolist()) == sorted(known)

    def test_the_best_come_first(self, fusion: Fusion) -> None:
        for seed in range(ROUNDS):
            scores = fusion.fuse(drawn(self.names, seed), DEEP).scores
            assert (np.diff(scores) <= 0).all(), "scores go up from one row to the next"

    def test_top_k_gives_the_best_of_all(self, fusion: Fusion) -> None:
        for seed in range(ROUNDS):
            branches = drawn(self.names, seed)
            few, whole = fusion.fuse(branches, 5), fusion.fuse(branches, DEEP)
            assert len(few) >= min(5, len(whole)), "fewer than asked for, and there are more"
            scores = dict(zip(whole.rows.tolist(), whole.scores.tolist(), strict=True))
            last = whole.scores[min(5, len(whole)) - 1]
            for row, score in zip(few.rows.tolist(), few.scores.tolist(), strict=True):
                assert scores[row] == score, "a row's score depends on top_k"
                assert score >= last, "a row that is not among the best"

    def test_what_ties_with_the_last_is_kept(self, fusion: Fusion) -> None:
        # Which of them is cut is decided by chunk id, which a fusion does not know.
        first, second = self.names
        tied = listed([4, 9, 2, 7], [0.9, 0.5, 0.5, 0.1], bound=1.0, exhaustive=True)
        other = listed([4, 2, 9, 7], [9.0, 5.0, 5.0, 1.0], bound=10.0, exhaustive=True)
        whole = fusion.fuse({first: tied, second: other}, DEEP)
        scores = dict(zip(whole.rows.tolist(), whole.scores.tolist(), strict=True))
        fused = fusion.fuse({first: tied, second: other}, 2)
        kept = {row for row, score in scores.items() if score >= sorted(scores.values())[-2]}
        assert set(fused.rows.tolist()) == kept

    def test_contributions_add_up_to_the_score(self, fusion: Fusion) -> None:
        for seed in range(ROUNDS):
            fused = fusion.fuse(drawn(self.names, seed), 10)
            assert fused.contributions is not None, "nothing says what each branch gave"
            assert set(fused.contributions) == set(self.names)
            total = np.zeros(len(fused))
            for one in fused.contributions.values():
                assert len(one.contribution) == len(fused), "contributions are not aligned"
                total += one.contribution
            worst = float(np.abs(total - fused.scores).max(initial=0))
            scale = max(1.0, float(np.abs(fused.scores).max(initial=0)))
            assert worst <= 1e-6 * scale, f"contributions miss the score by {worst:.1e}"

    def test_the_account_has_each_branchs_rank_and_score(self, fusion: Fusion) -> None:
        for seed in range(ROUNDS):
            branches = drawn(self.names, seed)
            fused = fusion.fuse(branches, DEEP)
            assert fused.contributions is not None
            for name, one in branches.items():
                account = fused.contributions[name]
                place = {row: at for at, row in enumerate(one.rows.tolist())}
                found = len(one) if one.found is None else one.found
                for at, row in enumerate(fused.rows.tolist()):
                    where = place.get(row)
                    if where is None:
                        assert account.rank[at] == 0 and np.isnan(account.score[at])
                    else:
                        assert account.rank[at] == (where + 1 if where < found else 0)
                        assert account.score[at] == one.scores[where]

    def test_the_same_lists_give_the_same_answer(self, fusion: Fusion) -> None:
        for seed in range(ROUNDS):
            one, other = (fusion.fuse(drawn(self.names, seed), 10) for _ in range(2))
            assert one.rows.tolist() == other.rows.tolist()
            assert one.scores.tolist() == other.scores.tolist()

    def test_the_lists_given_are_left_alone(self, fusion: Fusion) -> None:
        branches = drawn(self.names, 3)
        before = copies(branches)
        fusion.fuse(branches, 10)
        assert copies(branches) == before, "fuse changed the lists that it was given"

    def test_the_order_of_the_branches_does_not_matter(self, fusion: Fusion) -> None:
        for seed in range(ROUNDS):
            branches = drawn(self.names, seed)
            turned = dict(reversed(branches.items()))
            one, other = fusion.fuse(branches, 10), fusion.fuse(turned, 10)
            assert np.allclose(one.scores[:10], other.scores[:10], atol=1e-6)

    def test_row_numbers_of_any_size(self, fusion: Fusion) -> None:
        first, second = self.names
        far = listed([2**62, 5, 2**62 + 1], [0.9, 0.5, 0.1], bound=1.0)
        fused = fusion.fuse({first: far, second: listed([5], [1.0], bound=9.0)}, 10)
        assert sorted(fused.rows.tolist()) == [5, 2**62, 2**62 + 1]
