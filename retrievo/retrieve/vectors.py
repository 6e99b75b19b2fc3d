"""What an encoder gave, checked: a store must never see anything else than vectors."""

import numpy as np

from retrievo.contracts import Encoder
from retrievo.errors import EncoderError
from retrievo.types import Vectors


def checked_vectors(encoder: Encoder, vectors: Vectors, n: int, dim: int) -> Vectors:
    """float32[n, dim], whatever the encoder thinks it is; a store must never see anything else."""
    name = type(encoder).__name__
    try:
        vectors = np.asarray(vectors, np.float32)
    except (TypeError, ValueError) as error:
        raise EncoderError(f"encoder {name} gave what is no array of numbers: {error}") from error
    if vectors.shape != (n, dim):
        raise EncoderError(
            f"encoder {name} gave an array of shape {vectors.shape} for {n} texts; "
            f"({n}, {dim}) is wanted"
        )
    if not np.isfinite(vectors).all():
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1)).tolist()
        raise EncoderError(
            f"encoder {name} gave a vector with NaN or infinity for {len(bad)} of {n} texts, "
            f"number {bad[0]} the first",
            texts=bad,
        )
    return vectors
