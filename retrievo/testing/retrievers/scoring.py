"""Scores of given rows, bounds, and what each token gave."""

import numpy as np
import pytest

from retrievo.testing.retrievers.hooks import Held, RetrieverHooks, offered
from retrievo.testing.retrievers.samples import QUERIES
from retrievo.types import Query


class Scoring(RetrieverHooks):
    """A row has one score, whichever way it is asked for."""

    @pytest.mark.parametrize("text", QUERIES)
    def test_score_equals_search(self, held: Held, text: str) -> None:
        score = offered(held, "score")
        found = held.find(text, 5)
        for rows in (found.rows, found.rows[::-1]):
            [again] = score([Query(text)], rows)
            assert again.dtype == np.float32 and again.shape == rows.shape
            wanted = found.scores if rows is found.rows else found.scores[::-1]
            assert np.allclose(again, wanted, atol=self.tolerance), (
                f"score says {again}, search {wanted}"
            )

    def test_score_takes_any_row_and_any_number_of_queries(self, held: Held) -> None:
        score = offered(held, "score")
        rows = held.rows()
        together = score([Query(text) for text in QUERIES], rows)
        assert len(together) == len(QUERIES)
        for text, scores in zip(QUERIES, together, strict=True):
            [alone] = score([Query(text)], rows)
            assert np.isfinite(scores).all()
            assert np.allclose(alone, scores, atol=self.tolerance)
        [nothing] = score([Query(QUERIES[0])], rows[:0])
        assert len(nothing) == 0

    @pytest.mark.parametrize("text", [*QUERIES, "key", "the key key vault vault", "moon moon"])
    def test_the_bound_is_never_exceeded(self, held: Held, text: str) -> None:
        found = held.find(text)
        if found.bound is not None and len(found):
            over = float(found.scores.max()) - found.bound
            assert over <= self.tolerance, f"a score is {over} over the bound {found.bound}"

    @pytest.mark.parametrize("text", [*QUERIES, "key", "the key of the key"])
    def test_token_scores_add_up(self, held: Held, text: str) -> None:
        token_scores = offered(held, "token_scores")
        found = held.find(text, 5)
        for chunk, score in zip(held.store.get(found.rows), found.scores.tolist(), strict=True):
            parts = token_scores(Query(text), chunk)
            total = sum(part.score for part in parts)
            assert abs(total - score) <= self.tolerance, (
                f"tokens give {total}, the score is {score}"
            )
            for part in parts:
                start, end = part.query_span
                assert 0 <= start <= end <= len(text), f"{part} is not in the query"
                for first, last in part.spans:
                    assert 0 <= first < last <= len(chunk.text), f"{part} is not in the chunk"
