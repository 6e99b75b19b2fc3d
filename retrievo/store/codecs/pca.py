"""Fewer numbers, a byte each: the widest third of the directions, then int8."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrievo.store.codecs.codec import Codes, centre_of, drawn
from retrievo.store.codecs.int8 import Int8Codec
from retrievo.store.codecs.principal import principal_axes
from retrievo.types import Scores, Vectors


@dataclass(frozen=True, slots=True)
class PcaInt8Codec:
    """x - centre along its principal axes, as int8; what lies across them is left out.

    The mean's own share of the inner product is kept exact, as it is the same for all vectors.
    """

    name: ClassVar[str] = "pca-int8"
    oversampling: ClassVar[float] = 4.0

    centre: Vectors
    axes: Vectors
    inner: Int8Codec

    @classmethod
    def fit(cls, sample: Vectors, *, dims: int | None = None) -> "PcaInt8Codec":
        """`dims` says how many directions are kept; a third of them if not given."""
        wide = drawn(sample)
        centre = centre_of(wide)
        axes = principal_axes(wide - centre, dims or cls.bytes_for(wide.shape[1]))
        inner = Int8Codec.fit(((wide - centre) @ axes).astype(np.float32))
        return cls(centre.astype(np.float32), axes.astype(np.float32), inner)

    @staticmethod
    def bytes_for(dim: int) -> int:
        return -(-dim // 3)

    @property
    def bytes_a_vector(self) -> int:
        return self.inner.bytes_a_vector

    def encode(self, vectors: Vectors) -> Codes:
        away: Vectors = vectors - self.centre
        flat: Vectors = away @ self.axes
        return self.inner.encode(flat)

    def scores(self, queries: Vectors, codes: Codes) -> Scores:
        scores = self.inner.scores(queries @ self.axes, codes)
        scores += (queries @ self.centre)[:, None]
        return scores
