"""A bit a number with an unbiased estimate: RaBitQ (Gao and Long, SIGMOD 2024)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrievo.store.codecs.bits import pack, packed_bytes, sign_products
from retrievo.store.codecs.codec import Codes, centre_of, drawn
from retrievo.store.codecs.factors import Asked, with_factors, without_factors
from retrievo.store.codecs.rotation import Rotation
from retrievo.types import Scores, Vectors


@dataclass(frozen=True, slots=True)
class RabitqCodec:
    """The signs s of r = R(x - centre), for a random rotation R.

    The estimate of <q, x - centre> is |r|^2 <Rq, s> / <s, r>: over the rotations its mean is the
    inner product itself (theorem 3.2 there). Two float32 stand behind the signs of each vector.
    """

    name: ClassVar[str] = "rabitq"
    oversampling: ClassVar[float] = 20.0

    centre: Vectors
    rotation: Rotation

    @classmethod
    def fit(cls, sample: Vectors, *, seed: int = 0) -> "RabitqCodec":
        centre = centre_of(drawn(sample)).astype(np.float32)
        return cls(centre, Rotation.random(len(centre), seed))

    @staticmethod
    def bytes_for(dim: int) -> int:
        return packed_bytes(dim) + 8

    @property
    def bytes_a_vector(self) -> int:
        return self.bytes_for(len(self.centre))

    def encode(self, vectors: Vectors) -> Codes:
        away: Vectors = vectors - self.centre
        turned = self.rotation.apply(away)
        toward: Scores = away @ self.centre
        signs = np.where(turned > 0, np.float32(1), np.float32(-1))
        return with_factors(pack(turned), turned, signs, toward)

    def scores(self, queries: Vectors, codes: Codes) -> Scores:
        packed, factors = without_factors(codes)
        asked = Asked.of(queries, self.centre)
        products = sign_products(self.rotation.apply(asked.across), packed)
        return asked.estimates(products, factors)
