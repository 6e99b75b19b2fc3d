"""Two bits a number after a rotation: a sign, and the sign of what the first one leaves."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrievo.store.codecs.bits import pack, packed_bytes, sign_products
from retrievo.store.codecs.codec import Codes, centre_of, drawn
from retrievo.store.codecs.factors import Asked, with_factors, without_factors
from retrievo.store.codecs.rotation import Rotation
from retrievo.types import Scores, Vectors

FIRST, SECOND = np.float32(0.9816), np.float32(0.5288)
"""The levels ±FIRST ± SECOND: the best four for numbers of the normal distribution (Max 1960)."""


@dataclass(frozen=True, slots=True)
class ResidualCodec:
    """y = .98 s + .53 t with s the signs of the rotated vector and t those of what s leaves.

    After a random rotation the numbers of a vector are near to normally distributed, so that the
    levels need no training. The residual signs are the recurrent codes of BEBR (Gan and others,
    KDD 2023) without its networks; the estimate is rescaled as in RaBitQ.
    """

    name: ClassVar[str] = "residual-2bit"
    oversampling: ClassVar[float] = 4.0

    centre: Vectors
    rotation: Rotation

    @classmethod
    def fit(cls, sample: Vectors, *, seed: int = 0) -> "ResidualCodec":
        centre = centre_of(drawn(sample)).astype(np.float32)
        return cls(centre, Rotation.random(len(centre), seed))

    @staticmethod
    def bytes_for(dim: int) -> int:
        return 2 * packed_bytes(dim) + 8

    @property
    def bytes_a_vector(self) -> int:
        return self.bytes_for(len(self.centre))

    def encode(self, vectors: Vectors) -> Codes:
        away: Vectors = vectors - self.centre
        turned = self.rotation.apply(away)
        toward: Scores = away @ self.centre
        spread = np.sqrt(np.square(turned, dtype=np.float64).mean(axis=1)).astype(np.float32)
        first = np.where(turned > 0, FIRST, -FIRST)
        # Compared with the spread multiplied in, a zero vector needs no division.
        left = turned - first * spread[:, None]
        coded = first + np.where(left > 0, SECOND, -SECOND)
        packed = np.concatenate([pack(turned), pack(left)], axis=1)
        return with_factors(packed, turned, coded, toward)

    def scores(self, queries: Vectors, codes: Codes) -> Scores:
        packed, factors = without_factors(codes)
        asked = Asked.of(queries, self.centre)
        turned = self.rotation.apply(asked.across)
        half = packed.shape[1] // 2
        products = FIRST * sign_products(turned, packed[:, :half])
        products += SECOND * sign_products(turned, packed[:, half:])
        return asked.estimates(products, factors)
