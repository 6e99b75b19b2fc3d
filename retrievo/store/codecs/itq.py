"""A bit a number after a learned rotation: ITQ (Gong and Lazebnik 2011)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrievo.store.codecs.bits import pack, packed_bytes, sign_products
from retrievo.store.codecs.codec import Codes, centre_of, drawn
from retrievo.store.codecs.principal import Matrix, principal_axes
from retrievo.store.codecs.rotation import Rotation
from retrievo.types import Scores, Vectors

ITERATIONS = 50
"""As in the paper."""

_FITTED_ON = 5_000
_MOST_BITS = 1024
"""Each iteration takes the third power of the bits."""


@dataclass(frozen=True, slots=True)
class ItqCodec:
    """The signs of (x - centre) turned by `axes`, and the mean size of those numbers.

    The rotation is the one that makes the vectors lie as near as possible to their own signs: of
    the principal axes, turned by Procrustes against the signs, again and again (algorithm 1
    there). The query stays a query of numbers.
    """

    name: ClassVar[str] = "itq"
    oversampling: ClassVar[float] = 20.0

    centre: Vectors
    axes: Vectors
    spread: Vectors

    @classmethod
    def fit(cls, sample: Vectors, *, seed: int = 0) -> "ItqCodec":
        wide = drawn(sample, _FITTED_ON)
        centre = centre_of(wide)
        axes = principal_axes(wide - centre, _MOST_BITS)
        flat = (wide - centre) @ axes
        turn = _turn(flat, seed)
        spread = np.abs(flat @ turn).mean(axis=0) if len(flat) else np.zeros(flat.shape[1])
        return cls(
            centre.astype(np.float32),
            (axes @ turn).astype(np.float32),
            spread.astype(np.float32),
        )

    @staticmethod
    def bytes_for(dim: int) -> int:
        return packed_bytes(min(dim, _MOST_BITS))

    @property
    def bytes_a_vector(self) -> int:
        return packed_bytes(self.axes.shape[1])

    def encode(self, vectors: Vectors) -> Codes:
        return pack((vectors - self.centre) @ self.axes)

    def scores(self, queries: Vectors, codes: Codes) -> Scores:
        scores = sign_products((queries @ self.axes) * self.spread, codes)
        scores += (queries @ self.centre)[:, None]
        return scores


def _turn(flat: Matrix, seed: int) -> Matrix:
    """The orthonormal matrix R that makes |sign(V R) - V R| small; V is `flat`."""
    dim = flat.shape[1]
    turn = Rotation.random(dim, seed).apply(np.eye(dim, dtype=np.float32)).astype(np.float64)
    largest = np.abs(flat).max(initial=0.0)
    if not largest:
        return turn
    flat = flat / largest
    for _ in range(ITERATIONS):
        signs = np.where(flat @ turn > 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(flat.T @ signs)
        turn = left @ right
    return turn
