"""Ward's clustering against scipy's."""

import numpy as np
import pytest

from retrievo.retrieve.token_pooling import clusters, pooled, ward
from retrievo.types import MultiRows

hierarchy = pytest.importorskip("scipy.cluster.hierarchy", reason="needs scipy")


def unit(n, dim=8, *, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [2, 3, 10, 57, 200])
def test_heights_are_scipys(n):
    vectors = unit(n, seed=n).astype(np.float64)
    wanted = hierarchy.linkage(vectors, "ward")[:, 2]
    made = np.sqrt(sorted(height for height, _, _ in ward(vectors)))
    assert np.allclose(made, wanted, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3, 7])
@pytest.mark.parametrize("n", [1, 2, 9, 80])
def test_clusters_are_scipys(n, factor):
    vectors = unit(n, seed=n + factor)
    made = clusters(vectors, factor)
    assert len(set(made.tolist())) == max(1, n // factor)
    if n > 1:
        linkage = hierarchy.linkage(vectors.astype(np.float64), "ward")
        wanted = hierarchy.fcluster(linkage, max(1, n // factor), "maxclust")
        assert ((made[:, None] == made) == (wanted[:, None] == wanted)).all()


def test_equal_vectors_end_as_well():
    same = np.repeat(unit(3), 5, axis=0)
    assert clusters(same, 5).tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert clusters(np.zeros((4, 3), np.float32), 2).max() == 1


def test_a_row_has_the_unit_means_of_its_clusters():
    right, up = [1.0, 0.0], [0.0, 1.0]
    near = [np.cos(0.2), np.sin(0.2)]
    vectors = np.array([right, up, near, up, right], np.float32)
    rows = MultiRows(np.array([0, 0, 4, 5], np.int64), vectors)
    made = pooled(rows, 2)
    assert made.indptr.tolist() == [0, 0, 2, 3]
    between = [np.cos(0.1), np.sin(0.1)]
    assert np.allclose(made.vectors, [between, up, right], atol=1e-6)
    assert pooled(rows, 1) is rows
