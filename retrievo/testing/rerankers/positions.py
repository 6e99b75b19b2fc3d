"""What comes back: positions in what was given, their scores, and no more than was asked for."""

import pytest

from retrievo.contracts import Reranker
from retrievo.testing.rerankers.checking import QUERIES, TEXTS, chunks_of, ranked
from retrievo.testing.rerankers.hooks import RerankerHooks


class Positions(RerankerHooks):
    """Positions in the chunks, each once, best first, with finite scores."""

    def test_is_a_reranker(self, reranker: Reranker) -> None:
        assert isinstance(reranker, Reranker), "rank(query, chunks, top_k) is missing"

    @pytest.mark.parametrize("text", QUERIES)
    def test_positions_with_scores_best_first(self, reranker: Reranker, text: str) -> None:
        found = ranked(reranker, text, chunks_of(TEXTS), len(TEXTS))
        assert len(found), "nothing was ranked: one batch is always read"

    def test_all_that_was_given_is_ranked(self, reranker: Reranker) -> None:
        if not self.reads_all:
            pytest.skip("this reranker says that it may stop before the end (reads_all = False)")
        found = ranked(reranker, QUERIES[0], chunks_of(TEXTS), len(TEXTS))
        missing = sorted(set(range(len(TEXTS))) - set(found.rows.tolist()))
        assert not missing, (
            f"the chunks {missing} are lost; set reads_all = False where it may stop before the end"
        )

    @pytest.mark.parametrize("top_k", [1, 3, len(TEXTS), len(TEXTS) + 5])
    def test_no_more_than_top_k_and_the_same_first_ones(
        self, reranker: Reranker, top_k: int
    ) -> None:
        few = ranked(reranker, QUERIES[0], chunks_of(TEXTS), top_k)
        if not self.reads_all:
            return
        whole = ranked(reranker, QUERIES[0], chunks_of(TEXTS), len(TEXTS))
        assert few.rows.tolist() == whole.rows.tolist()[:top_k], (
            f"the best {top_k} are others than the first {top_k} of all"
        )

    def test_what_it_says_of_its_scores_is_true(self, reranker: Reranker) -> None:
        found = ranked(reranker, QUERIES[0], chunks_of(TEXTS), len(TEXTS))
        if found.bound is not None and len(found):
            best = float(found.scores[0])
            assert best <= found.bound + 1e-5, f"the score {best} is above the bound {found.bound}"
        ways = found.scored_by
        if ways is not None:
            assert len(ways) == len(found), f"scored_by has {len(ways)} entries for {len(found)}"
            assert all(isinstance(way, str) for way in ways), "an entry of scored_by is no text"
