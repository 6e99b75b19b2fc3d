"""Random rotations, which spread what a vector holds over all its numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrievo.types import Vectors

WHOLE_UP_TO = 1024
"""Dimensions that are rotated by one matrix; making one takes the third power of them."""

_BLOCK = 256
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rounds of: numbers in another order, then blocks of them by an orthonormal matrix each."""

    rounds: tuple[tuple[npt.NDArray[np.int64], tuple[Vectors, ...]], ...]

    @classmethod
    def random(cls, dim: int, seed: int = 0) -> "Rotation":
        """The same one for the same seed.

        Up to 1,024 dimensions it is drawn evenly from all rotations and reflections; beyond,
        three rounds of smaller blocks come near that.
        """
        random = np.random.default_rng(seed)
        if dim <= WHOLE_UP_TO:
            return cls(((np.arange(dim), (_orthonormal(dim, random),)),))
        sizes = [min(_BLOCK, dim - start) for start in range(0, dim, _BLOCK)]
        return cls(
            tuple(
                (random.permutation(dim), tuple(_orthonormal(size, random) for size in sizes))
                for _ in range(_ROUNDS)
            )
        )

    def apply(self, vectors: Vectors) -> Vectors:
        """float32[n, dim]: of the same lengths and angles."""
        for order, blocks in self.rounds:
            if len(blocks) == 1:
                vectors = vectors @ blocks[0]
                continue
            bounds = np.cumsum([len(block) for block in blocks])[:-1]
            parts = np.split(vectors[:, order], bounds, axis=1)
            pairs = zip(parts, blocks, strict=True)
            vectors = np.concatenate([part @ block for part, block in pairs], axis=1)
        return vectors


def _orthonormal(dim: int, random: np.random.Generator) -> Vectors:
    """Drawn evenly from all orthonormal matrices (Mezzadri 2007: QR with a positive diagonal)."""
    q, r = np.linalg.qr(random.standard_normal((dim, dim)))
    matrix: Vectors = (q * np.where(np.diag(r) < 0, -1.0, 1.0)).astype(np.float32)
    return matrix
