"""Which of some vectors lie apart from the others."""

import numpy as np
import numpy.typing as npt

from retrievo.types import Vectors

NEIGHBOURS = 20
OUTLIER = 1.5
"""Above it a vector lies apart: what scikit-learn's `contamination = "auto"` says."""


def local_outlier_factors(
    vectors: Vectors, neighbours: int = NEIGHBOURS
) -> npt.NDArray[np.float64]:
    """float64[n]: about 1 inside a cluster, more outside; all 1 where there are fewer than three.

    Breunig, Kriegel, Ng and Sander 2000, with Euclidean distances: the mean density of a vector's
    `neighbours` nearest beside its own. n squared distances are computed.
    """
    n = len(vectors)
    k = min(neighbours, n - 1)
    if n < 3:
        return np.ones(n)
    given = vectors.astype(np.float64)
    squares = (given**2).sum(axis=1)
    far = np.sqrt(np.maximum(squares[:, None] + squares - 2 * given @ given.T, 0.0))
    np.fill_diagonal(far, np.inf)
    nearest = np.argsort(far, axis=1, kind="stable")[:, :k]
    distances = np.take_along_axis(far, nearest, axis=1)
    reach = np.maximum(distances, distances[:, -1][nearest])
    # As scikit-learn: of equal vectors the density is large, and not infinite.
    density = 1.0 / (reach.mean(axis=1) + 1e-10)
    return np.asarray(density[nearest].mean(axis=1) / density)
