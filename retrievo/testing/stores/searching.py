"""Searches of each representation: exact scores, best first, as many as there are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retrievo.contracts import Space
from retrievo.errors import StoreError
from retrievo.filters import F
from retrievo.testing.stores.checking import NEAR, check_search, rows_of
from retrievo.testing.stores.hooks import Held, StoreHooks, needs, opened
from retrievo.testing.stores.samples import (
    SPACES,
    batch_of,
    cut,
    documents,
    everything_of,
    queries_of,
    sparse_rows,
)
from retrievo.types import MultiRows


class Searching(StoreHooks):
    @pytest.mark.parametrize("name", SPACES)
    def test_a_search_finds_the_best_first(self, held: Held, name: str) -> None:
        space = _space(held, name)
        held.write(batch_of(cut(documents(40), 2), held.spaces))
        queries = queries_of(space, 3, np.random.default_rng(1))
        for depth in (0, 1, 7, 79, 80, 81, 5000):
            check_search(held.store, held.model, name, queries, depth)

    @pytest.mark.parametrize("name", SPACES)
    def test_no_queries_give_no_answers(self, held: Held, name: str) -> None:
        space = _space(held, name)
        held.write(batch_of(cut(documents(3)), held.spaces))
        assert held.store.search(name, queries_of(space, 0, np.random.default_rng(1)), 5) == []

    @pytest.mark.parametrize("name", SPACES)
    def test_each_row_can_be_scored(self, held: Held, name: str) -> None:
        space = _space(held, name)
        held.write(batch_of(cut(documents(20)), held.spaces))
        queries = queries_of(space, 2, np.random.default_rng(2))
        by_key = held.model.by_key()
        rows = rows_of(held.store)[::-3]
        kept = [by_key[(None, chunk.id)] for chunk in held.store.get(rows)]
        for place, found in enumerate(held.store.score(name, queries, rows)):
            score = held.model.scorer(name, queries[place])
            assert len(found) == len(rows)
            for value, one in zip(found.tolist(), kept, strict=True):
                # What a search cannot find, for want of a shared index or of vectors, scores 0.
                assert abs(value - (score(one) or 0.0)) < NEAR

    def test_searches_together_give_what_each_gives_alone(self, held: Held) -> None:
        needs(held.store, "together")
        held.write(batch_of(cut(documents(30), 2), held.spaces))
        rng = np.random.default_rng(5)
        asked = [(name, queries_of(_space(held, name), 2, rng), 9) for name in held.spaces]
        wanted = F("year") >= 2019 if "filter" in held.store.capabilities else None
        answers = held.store.search_together(asked, wanted)
        for one, together in zip(asked, answers, strict=True):
            alone = held.store.search(*one, wanted)
            for a, b in zip(alone, together, strict=True):
                assert a.rows.tolist() == b.rows.tolist() and a.exhaustive == b.exhaustive
                assert np.allclose(a.scores, b.scores, atol=NEAR)

    def test_a_sparse_query_that_meets_nothing_finds_nothing(self, held: Held) -> None:
        needs(held.store, "sparse")
        held.write(batch_of(cut(documents(10)), held.spaces))
        check_search(held.store, held.model, "lexical", sparse_rows([{}, {500: 1.0}]), 5)

    def test_equal_scores_are_cut_at_the_depth(self, held: Held) -> None:
        batch = batch_of(cut(documents(30)), held.spaces)
        values = dict(batch.representations)
        values["dense"] = np.tile(np.eye(1, 8, dtype=np.float32), (30, 1))
        held.write(replace(batch, representations=values))
        for depth in (1, 29, 30, 31):
            check_search(held.store, held.model, "dense", np.eye(2, 8, dtype=np.float32), depth)

    def test_every_row_is_found_whatever_its_sign(self, held: Held) -> None:
        """A dense search has no threshold: zero and negative scores count like others."""
        batch = batch_of(cut(documents(9)), held.spaces)
        values = dict(batch.representations)
        signs = np.repeat([-2.0, 0.0, 3.0], 3).astype(np.float32)
        values["dense"] = signs[:, None] * np.ones((1, 8), np.float32)
        held.write(replace(batch, representations=values))
        check_search(held.store, held.model, "dense", np.ones((1, 8), np.float32), 9)
        if "tokens" in held.spaces:
            low = MultiRows(np.arange(10, dtype=np.int64), -np.ones((9, 4), np.float32))
            held.store.replace("tokens", rows_of(held.store), low, None)
            held.model.replace("tokens", held.model.kept(), low, None)
            check_search(held.store, held.model, "tokens", everything_of(SPACES["tokens"]), 9)

    def test_rows_that_are_not_there_raise(self, held: Held) -> None:
        held.write(batch_of(cut(documents(3)), held.spaces))
        gone = held.store.document_rows(["d1"])[0]
        held.delete("d1")
        for rows in (gone, np.array([10**9]), np.array([-1])):
            with pytest.raises(StoreError):
                held.store.get(rows)
        assert held.store.get(np.empty(0, np.int64)) == []

    def test_a_store_with_idf_multiplies_the_query_by_it(self, folder: Path) -> None:
        store = self.make_store(folder)
        try:
            needs(store, "sparse")
            held = opened(store, idf=True)
            lexical = store.passport().representations["lexical"]  # type: ignore[union-attr]
            assert lexical.idf, "the passport forgot that the space wants idf"
            held.write(batch_of(cut(documents(30), 2), held.spaces))
            held.check(None)
            held.delete("d1", "d2", "d3")
            held.write(batch_of(cut(documents(9)), held.spaces, seed=2))
            held.store.settle()
            # Without the capability the values are taken as they are: the retriever weighs them.
            held.check(F("year") >= 2020 if "filter" in store.capabilities else None)
        finally:
            store.close()


def _space(held: Held, name: str) -> Space:
    needs(held.store, SPACES[name].kind) if SPACES[name].kind != "dense" else None
    return held.spaces[name]
