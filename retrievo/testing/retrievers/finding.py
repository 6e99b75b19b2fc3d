"""Lists: best first, within the depth, and truthful about what they leave out."""

import numpy as np
import pytest

from retrievo.testing.retrievers.hooks import Held, RetrieverHooks
from retrievo.testing.retrievers.samples import QUERIES, TEXTS, items


class Finding(RetrieverHooks):
    """Order, depth and `exhaustive`."""

    @pytest.mark.parametrize("text", QUERIES)
    def test_rows_are_best_first_and_each_once(self, held: Held, text: str) -> None:
        known = set(held.rows().tolist())
        for depth in (1, 5, 1000):
            found = held.find(text, depth)
            rows, scores = found.rows, found.scores
            assert rows.dtype == np.int64 and scores.dtype == np.float32
            assert len(rows) == len(scores) == len(set(rows.tolist())), "a row comes twice"
            assert set(rows.tolist()) <= known, "a row that the store does not have"
            assert np.isfinite(scores).all(), f"scores {scores}"
            assert (np.diff(scores) <= 0).all(), f"not best first: {scores}"

    @pytest.mark.parametrize("text", QUERIES)
    def test_at_most_depth_rows_and_the_best_of_them(self, held: Held, text: str) -> None:
        every = held.find(text)
        assert len(every), f"nothing is found for {text!r}"
        for depth in (1, 3, len(every), len(every) + 1):
            found = held.find(text, depth)
            assert len(found) == min(depth, len(every)), f"{len(found)} rows at depth {depth}"
            best = every.scores[: len(found)]
            assert np.allclose(found.scores, best, atol=self.tolerance), (
                f"the best {depth} are {best}, found are {found.scores}"
            )

    @pytest.mark.parametrize("text", QUERIES)
    def test_exhaustive_is_the_truth(self, held: Held, text: str) -> None:
        every = held.find(text, 10_000)
        for depth in (1, 2, len(every) - 1, len(every), len(every) + 1):
            found = held.find(text, max(1, depth))
            if found.exhaustive:
                assert len(found) == len(every), (
                    f"{len(found)} rows are said to be all of {len(every)}"
                )
        assert every.exhaustive, "all that match are there, and it is not said"

    def test_what_is_written_is_found_and_what_is_deleted_is_not(self, held: Held) -> None:
        number = TEXTS.index(next(text for text in TEXTS if "zebra" in text))
        before = held.store.document_rows([f"d{number}"])[0].tolist()
        found = held.find("zebra").rows
        assert set(before) & set(found.tolist()), "a word of one document alone finds it not"
        held.store.delete([f"d{number}"])
        assert not set(before) & set(held.find("zebra").rows.tolist()), "what is deleted is found"
        held.write(items(number, number + 1))
        again = held.store.document_rows([f"d{number}"])[0].tolist()
        assert set(again) & set(held.find("zebra").rows.tolist()), "written again, it is not found"

    def test_an_empty_index(self, empty: Held) -> None:
        for text in (*QUERIES, ""):
            found = empty.find(text)
            assert len(found) == 0 and found.exhaustive, f"{text!r} in an empty index: {found}"
