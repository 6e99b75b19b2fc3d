import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrievo.store.memory.inverted import Inverted
from retrievo.types import SparseRows


def sparse(rows):
    bounds = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    pairs = [pair for row in rows for pair in sorted(row.items())]
    return SparseRows(
        bounds,
        np.array([index for index, _ in pairs], np.uint32),
        np.array([value for _, value in pairs], np.float32),
    )


ROWS = st.lists(
    st.dictionaries(st.integers(0, 9), st.integers(-3, 3).map(float), max_size=4), max_size=40
)


@given(ROWS, st.lists(st.integers(0, 40), max_size=6))
def test_postings_in_pieces_score_as_a_loop_does(rows, stops):
    built = None
    for stop in [*sorted(min(stop, len(rows)) for stop in stops), len(rows)]:
        built = Inverted(sparse(rows[:stop]), built)
    assert len(built) == len(rows)
    query = {0: 1.0, 3: 2.0, 7: -1.0, 20: 5.0}
    indices, weights = np.array(list(query), np.uint32), np.array(list(query.values()), np.float32)
    scores, found = built.found(indices, weights)
    assert scores.tolist() == [sum(query.get(i, 0) * v for i, v in row.items()) for row in rows]
    # A row whose score is 0 or less is found all the same.
    assert found.tolist() == [not query.keys().isdisjoint(row) for row in rows]
    counts = built.frequencies(np.arange(12, dtype=np.uint32)).tolist()
    assert counts == [sum(index in row for row in rows) for index in range(12)]


def test_many_small_pieces_become_few():
    rows, built = [{i % 7: 1.0} for i in range(1000)], None
    for stop in range(1, 1001):
        built = Inverted(sparse(rows[:stop]), built) if stop % 100 == 0 or stop < 130 else built
    assert len(built._segments) <= 10
    assert built.scores(np.array([3], np.uint32), np.ones(1, np.float32)).sum() == 143
