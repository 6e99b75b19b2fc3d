import numpy as np
import pytest

from retrievo.contracts import Space
from retrievo.store.memory.growing import Growing, Kept
from retrievo.types import MultiRows, SparseRows


def test_what_was_there_stays_as_it_is():
    steps = [Growing(np.arange(3))]
    for i in range(30):
        steps.append(steps[-1].plus(np.array([100 + i])))
    for n, step in enumerate(steps):
        assert step.array.tolist() == [0, 1, 2, *range(100, 100 + n)]


def test_many_small_additions_copy_little():
    growing, rooms = Growing(np.empty(0, np.int64)), set()
    for i in range(5000):
        growing = growing.plus(np.array([i]))
        rooms.add(id(growing.array.base))
    assert growing.array.tolist() == list(range(5000))
    assert len(rooms) < 40


def test_the_given_array_is_not_written_to():
    given = np.zeros((4, 2), np.float32)
    part = Growing(given[:2])
    part.plus(np.ones((1, 2), np.float32))
    assert not given.any()


def test_rows_at_places():
    growing = Growing(np.arange(10) * 10).at(np.array([7, 2, 2]))
    assert growing.array.tolist() == [70, 20, 20]
    assert growing.plus(np.array([5])).array.tolist() == [70, 20, 20, 5]


SPARSE = SparseRows(
    np.array([2, 3, 3, 5]),
    np.array([9, 9, 1, 4, 6], np.uint32),
    np.array([9, 9, 0.1, 0.4, 0.6], np.float32),
    np.array([1, 0, 2], np.float32),
)
MULTI = MultiRows(np.array([1, 3, 3]), np.arange(8, dtype=np.float32).reshape(4, 2))


def test_sparse_rows_whose_bounds_begin_anywhere():
    kept = Kept.nothing(Space("sparse")).plus(SPARSE).plus(SPARSE)
    rows = kept.values
    assert len(kept) == 6 and rows.indptr.tolist() == [0, 1, 1, 3, 4, 4, 6]
    assert rows.indices.tolist() == [1, 4, 6, 1, 4, 6] and rows.lengths.tolist() == [1, 0, 2] * 2
    assert kept.at(np.array([2, 0])).values.indices.tolist() == [4, 6, 1]


def test_several_vectors_a_row():
    kept = Kept.nothing(Space("multi", 2)).plus(MULTI)
    assert kept.values.indptr.tolist() == [0, 2, 2]
    assert kept.values.vectors.tolist() == [[2, 3], [4, 5]]
    other = MultiRows(np.array([0, 1]), np.array([[8, 8]], np.float32))
    changed = kept.replaced(np.array([1]), other).values
    assert changed.indptr.tolist() == [0, 2, 3] and changed.vectors[2].tolist() == [8, 8]


@pytest.mark.parametrize("order", [["with", "without"], ["without", "with"]])
def test_lengths_that_some_rows_lack_are_dropped(order):
    without = SparseRows(SPARSE.indptr, SPARSE.indices, SPARSE.values)
    kept = Kept.nothing(Space("sparse"))
    for which in order:
        kept = kept.plus(SPARSE if which == "with" else without)
    assert kept.values.lengths is None and len(kept) == 6
