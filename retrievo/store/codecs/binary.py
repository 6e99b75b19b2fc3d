"""A bit a number: on which side of the mean it lies."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrievo.store.codecs.bits import pack, packed_bytes, sign_products
from retrievo.store.codecs.codec import Codes, centre_of, drawn
from retrievo.types import Scores, Vectors


@dataclass(frozen=True, slots=True)
class BinaryCodec:
    """The signs of x - centre, not rotated; of such signs s, x is near centre + spread * s.

    `spread` is the mean distance from the centre in each dimension, which makes the square of the
    error least. The query stays a query of numbers, or with `float_query=False` becomes signs as
    well: then all that counts is how many of them agree.
    """

    name: ClassVar[str] = "binary"
    oversampling: ClassVar[float] = 20.0

    centre: Vectors
    spread: Vectors
    float_query: bool = True

    @classmethod
    def fit(
        cls, sample: Vectors, *, centred: bool = True, float_query: bool = True
    ) -> "BinaryCodec":
        """With `centred=False` the signs are those of the numbers themselves."""
        wide = drawn(sample)
        centre = centre_of(wide) if centred else np.zeros(wide.shape[1])
        spread = np.abs(wide - centre).mean(axis=0) if len(wide) else np.zeros(wide.shape[1])
        return cls(centre.astype(np.float32), spread.astype(np.float32), float_query)

    @staticmethod
    def bytes_for(dim: int) -> int:
        return packed_bytes(dim)

    @property
    def bytes_a_vector(self) -> int:
        return packed_bytes(len(self.centre))

    def encode(self, vectors: Vectors) -> Codes:
        return pack(vectors - self.centre)

    def scores(self, queries: Vectors, codes: Codes) -> Scores:
        if not self.float_query:
            signs = np.where(queries > self.centre, self.spread.mean(), -self.spread.mean())
            return sign_products(signs.astype(np.float32), codes)
        scores = sign_products(queries * self.spread, codes)
        scores += (queries @ self.centre)[:, None]
        return scores
