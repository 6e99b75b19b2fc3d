"""How far a budget lets a reranker read, by a clock that the test turns."""

import pytest
from ranking_chunks import Clock

from retrievo.errors import ConfigError
from retrievo.rerank.budget import Budget


def read(budget_ms, work, size, seconds_per_work, clock=None):
    """The batches that come where each unit of work takes so long."""
    clock = clock or Clock()
    batches = []
    for places in Budget(budget_ms, clock).batches(work, size):
        batches.append(list(places))
        clock.passes(seconds_per_work * sum(work[place] for place in places))
    return batches, clock.now


def test_without_a_budget_all_is_one_batch():
    assert read(None, [1] * 5, 2, 100.0)[0] == [[0, 1, 2, 3, 4]]
    assert read(None, [], 2, 100.0)[0] == []


def test_batches_come_as_long_as_the_next_one_fits():
    # 10 ms a candidate, 2 at once: the third batch ends at 60 ms, a fourth would at 80.
    batches, now = read(79, [1] * 10, 2, 0.010)
    assert batches == [[0, 1], [2, 3], [4, 5]] and now == pytest.approx(0.060)
    assert len(read(80.001, [1] * 10, 2, 0.010)[0]) == 4
    assert len(read(10_000, [1] * 10, 3, 0.010)[0]) == 4


def test_the_first_batch_is_always_read():
    assert read(1, [1] * 10, 4, 5.0)[0] == [[0, 1, 2, 3]]
    assert read(1, [], 4, 5.0)[0] == []


def test_what_a_batch_takes_is_expected_by_its_work():
    # 1 ms a unit; the second batch has ten times the work of the first, and would end at 110 ms.
    work = [10, 100, 10]
    assert read(100, work, 1, 0.001)[0] == [[0]]
    assert read(111, work, 1, 0.001)[0] == [[0], [1]]
    assert read(121, work, 1, 0.001)[0] == [[0], [1], [2]]


def test_the_speed_is_that_of_all_batches_so_far():
    clock = Clock()
    batches = []
    for places, seconds in zip(
        Budget(100, clock).batches([1] * 9, 1), [0.06, 0.01, 0.01, 0.01, 0.01], strict=False
    ):
        batches.append(list(places))
        clock.passes(seconds)
    # 60 ms, so the next is expected at 120.
    assert batches == [[0]]
    clock = Clock()
    count = 0
    for _ in Budget(100, clock).batches([1] * 9, 1):
        clock.passes(0.01 if count == 0 else 0.03)
        count += 1
    # 10, 40, 70: a fourth is expected to take 70 / 3.
    assert count == 4


def test_work_of_nothing_is_no_division():
    assert read(100, [0, 0, 0], 1, 0.0)[0] == [[0], [1], [2]]


@pytest.mark.parametrize("budget_ms", [0, -1, True, float("nan"), float("inf"), "fast"])
def test_a_budget_is_a_number_above_0(budget_ms):
    with pytest.raises(ConfigError, match="budget_ms"):
        Budget(budget_ms)
