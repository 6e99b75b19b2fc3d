"""Principal axes: the directions in which a sample differs most."""

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


def principal_axes(centred: Matrix, most: int) -> Matrix:
    """float64[dim, k], k = min(most, dim): orthonormal columns, the widest direction first.

    Where the sample has fewer directions than that, the others are any that are orthogonal.
    """
    dim = centred.shape[1]
    largest = np.abs(centred).max(initial=0.0)
    # Of very large or very small numbers the squares would overflow or vanish.
    scaled = centred / largest if largest > 0 else centred
    _, axes = np.linalg.eigh(scaled.T @ scaled)
    return axes[:, ::-1][:, : min(most, dim)]
