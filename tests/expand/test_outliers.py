"""Local outlier factors, against scikit-learn's."""

import numpy as np
import pytest

from retrievo.expand.outliers import OUTLIER, local_outlier_factors


@pytest.mark.parametrize(("n", "neighbours"), [(3, 20), (12, 3), (50, 20), (200, 20)])
def test_factors_are_scikit_learns(n, neighbours):
    neighbors = pytest.importorskip("sklearn.neighbors", reason="comes with sentence-transformers")
    vectors = np.random.default_rng(n).normal(size=(n, 8)).astype(np.float32)
    vectors[0] += 9
    theirs = neighbors.LocalOutlierFactor(min(neighbours, n - 1)).fit(vectors.astype(np.float64))
    found = local_outlier_factors(vectors, neighbours)
    np.testing.assert_allclose(found, -theirs.negative_outlier_factor_, rtol=1e-6)


def test_what_lies_apart_is_seen():
    vectors = np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32)
    vectors[7] = 40
    assert np.flatnonzero(local_outlier_factors(vectors) > OUTLIER).tolist() == [7]


def test_equal_vectors_are_no_outliers():
    assert (local_outlier_factors(np.ones((30, 4), np.float32)) <= OUTLIER).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_of_fewer_than_three_none_is_apart(n):
    np.testing.assert_array_equal(
        local_outlier_factors(np.eye(4, dtype=np.float32)[:n]), np.ones(n)
    )
