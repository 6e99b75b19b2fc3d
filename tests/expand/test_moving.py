"""A vector moved towards another keeps its length."""

import numpy as np
import pytest

from retrievo.expand.moving import mixed


def test_the_direction_is_the_weighted_sum():
    made = mixed(np.float32([1, 0]), np.float32([0, 1]), 3.0, 4.0)
    np.testing.assert_allclose(made, [0.6, 0.8], atol=1e-7)
    assert made.dtype == np.float32


def test_the_length_is_that_of_the_first():
    made = mixed(np.float32([2, 0]), np.float32([0, 7]), 1.0, 1.0)
    assert np.linalg.norm(made) == pytest.approx(2, abs=1e-6)


def test_a_query_without_direction_takes_the_others():
    made = mixed(np.zeros(2, np.float32), np.float32([0, 7]), 1.0, 0.5)
    np.testing.assert_allclose(made, [0, 1])


@pytest.mark.parametrize("other", [[-1, 0], [np.nan, 0], [np.inf, 0]])
def test_what_cancels_or_is_no_number_moves_nothing(other):
    own = np.float32([1, 0])
    np.testing.assert_array_equal(mixed(own, np.float32(other), 1.0, 1.0), own)
