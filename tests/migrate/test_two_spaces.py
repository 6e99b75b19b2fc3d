"""A perfect map between two spaces, so that whatever has moved the answers are the same."""

import numpy as np
import pytest
from aligned import many
from hypothesis import given
from hypothesis import strategies as st
from indexing import small
from pipelines import CountingEncoder

from retrievo import F, Pipeline
from retrievo.filters import as_filter
from retrievo.migrate.record import Scale
from retrievo.migrate.two_spaces import Moved, TwoSpaces
from retrievo.types import Query

QUERY = "copper violin and the winter garden"


class Turned(CountingEncoder):
    """The counting encoder's vectors, their numbers in another order."""

    def __init__(self):
        super().__init__("turned-1")

    def _encode(self, texts):
        return np.roll(super()._encode(texts), 3, axis=1)


class TurnBack:
    old = None

    def apply(self, vectors):
        return np.roll(vectors, -3, axis=1)


class Progress:
    def __init__(self, moved):
        self.moved, self.found = moved, []

    def wanted(self, rows):
        self.found += rows.tolist()


def filled(encoder, items):
    pipeline = Pipeline(**small(encoder=encoder, store=Pipeline.part("store", "memory")))
    pipeline.index(items)
    return pipeline


ITEMS = [{**item, "metadata": {"even": at % 2 == 0}} for at, item in enumerate(many(40))]
OLD = filled(CountingEncoder(), ITEMS)


def branch(moved_places, scale=None):
    """The branch after the documents at these places have moved, in another order."""
    items = [ITEMS[place] for place in moved_places]
    new = filled(Turned(), items)
    rows = np.concatenate([np.empty(0, np.int64), *new.store.scan()])
    ids = [chunk.id for chunk in new.store.get(rows)]
    progress = Progress(Moved(rows, OLD.store.rows(ids)))
    made = TwoSpaces(
        OLD._assembly.part("retrievers")["dense"],
        new.store,
        OLD.store,
        Turned(),
        TurnBack(),
        scale or Scale(slope=1.0, offset=0.0),
        progress,
        old_encoder=CountingEncoder(),
        representation="dense",
        names=("old", "new"),
    )
    return made, progress


def scores_of(found):
    return dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))


@given(moved=st.lists(st.integers(0, len(ITEMS) - 1), unique=True), depth=st.integers(1, 120))
def test_whatever_has_moved_the_best_are_the_same(moved, depth):
    made, _ = branch(moved)
    [wanted] = OLD._assembly.part("retrievers")["dense"].search([Query(QUERY)], depth)
    [found] = made.search([Query(QUERY)], depth)
    assert np.allclose(found.scores, wanted.scores, atol=1e-6)
    every = scores_of(OLD._assembly.part("retrievers")["dense"].search([Query(QUERY)], 1000)[0])
    for row, score in scores_of(found).items():
        assert score == pytest.approx(every[row], abs=1e-6)
    assert len(set(found.rows.tolist())) == len(found)


@pytest.mark.parametrize("moved", [[], [3, 1, 20], list(range(40))])
def test_each_row_says_which_space_it_comes_from(moved):
    made, _ = branch(moved)
    [found] = made.search([Query(QUERY)], 200)
    ids = {ITEMS[place]["id"] for place in moved}
    for chunk, way in zip(OLD.store.get(found.rows), found.scored_by, strict=True):
        assert way == ("new" if chunk.doc_id in ids else "old (mapped)")
    assert len(found) == OLD.store.count() and found.exhaustive


@pytest.mark.parametrize("moved", [[], [2, 5, 8], list(range(40))])
def test_filters_hold_in_both(moved):
    made, _ = branch(moved)
    wanted = as_filter(F("even") == True)  # noqa: E712
    [found] = made.search([Query(QUERY)], 15, wanted)
    assert len(found) == 15
    assert all(chunk.metadata["even"] for chunk in OLD.store.get(found.rows))


def test_the_old_spaces_scores_are_brought_to_the_new_ones_scale():
    made, _ = branch([0, 1], Scale(slope=0.5, offset=0.1))
    [found] = made.search([Query(QUERY)], 200)
    exact = scores_of(OLD._assembly.part("retrievers")["dense"].search([Query(QUERY)], 1000)[0])
    ways = zip(found.rows.tolist(), found.scores.tolist(), found.scored_by, strict=True)
    for row, score, way in ways:
        wanted = exact[row] if way == "new" else 0.5 * exact[row] + 0.1
        assert score == pytest.approx(wanted, abs=1e-6)


@given(moved=st.lists(st.integers(0, len(ITEMS) - 1), unique=True))
def test_rows_are_scored_by_the_space_they_are_in(moved):
    made, _ = branch(moved)
    rows = np.concatenate(list(OLD.store.scan()))[::-1]
    [scores] = made.score([Query(QUERY)], rows)
    [exact] = OLD._assembly.part("retrievers")["dense"].score([Query(QUERY)], rows)
    assert np.allclose(scores, exact, atol=1e-6)


def test_what_was_found_unmoved_is_wanted():
    made, progress = branch([0, 1, 2])
    [found] = made.search([Query(QUERY)], 5)
    old = [
        row for row, way in zip(found.rows.tolist(), found.scored_by, strict=True) if way != "new"
    ]
    assert old and set(old) <= set(progress.found)


def test_several_queries_and_their_vectors_are_encoded_once():
    made, _ = branch([4, 9])
    queries = [Query(QUERY), Query("moon bread"), Query("parrot")]
    made.prepare(queries)
    kept = [query.vectors["dense.new"] for query in queries]
    found = made.search(queries, 7)
    assert [len(one) for one in found] == [7, 7, 7]
    assert all(query.vectors["dense.new"] is one for query, one in zip(queries, kept, strict=True))


def test_a_row_that_is_written_this_very_moment_counts_to_the_old_space():
    made, progress = branch([0, 1, 2])
    progress.moved = Moved(progress.moved.new[:1], progress.moved.old[:1])
    [found] = made.search([Query(QUERY)], 200)
    assert found.scored_by.count("new") == 1 and len(found) == OLD.store.count()
