"""Any text can be a query, alone or with others."""

import numpy as np
import pytest

from retrievo.testing.retrievers.hooks import Held, RetrieverHooks
from retrievo.testing.retrievers.samples import QUERIES
from retrievo.testing.texts import ZOO


class AnyQuery(RetrieverHooks):
    """Empty and hostile texts, and that a batch cannot be seen in what is found."""

    def test_no_queries(self, held: Held) -> None:
        assert held.search([]) == []

    @pytest.mark.filterwarnings("ignore::retrievo.errors.RetrievoWarning")
    @pytest.mark.parametrize("text", ["", " \n\t", "?!"])
    def test_an_empty_query(self, held: Held, text: str) -> None:
        found = held.find(text, 5)
        assert len(found) <= 5 and np.isfinite(found.scores).all()

    @pytest.mark.filterwarnings("ignore::retrievo.errors.RetrievoWarning")
    @pytest.mark.parametrize("name", ZOO)
    def test_any_text_is_a_query(self, held: Held, name: str) -> None:
        found = held.find(ZOO[name], 5)
        assert len(found) <= 5 and np.isfinite(found.scores).all()
        assert (np.diff(found.scores) <= 0).all()

    @pytest.mark.filterwarnings("ignore::retrievo.errors.RetrievoWarning")
    def test_many_at_once_find_what_each_finds_alone(self, held: Held) -> None:
        texts = [*QUERIES, "", QUERIES[0], "unheard-of words"]
        together = held.search(texts, 7)
        for text, found in zip(texts, together, strict=True):
            alone = held.find(text, 7)
            assert len(alone) == len(found), f"{text!r} finds {len(found)} rows, alone {len(alone)}"
            assert np.allclose(alone.scores, found.scores, atol=self.tolerance), text
            same = alone.bound == found.bound or (
                alone.bound is not None
                and found.bound is not None
                and abs(alone.bound - found.bound) <= self.tolerance
            )
            assert same and alone.exhaustive == found.exhaustive, text

    def test_the_same_query_finds_the_same(self, held: Held) -> None:
        for text in QUERIES:
            first, second = held.find(text, 6), held.find(text, 6)
            assert np.array_equal(first.rows, second.rows)
            assert np.array_equal(first.scores, second.scores)
