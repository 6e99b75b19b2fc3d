"""A byte a number: scalar quantization with a scale for each dimension."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrievo.store.codecs.codec import Codes, centre_of, drawn
from retrievo.types import Scores, Vectors

WIDEST = 12.0
"""Standard deviations that a scale reaches from the mean.

A single value far out would otherwise leave few of the 255 levels to all others; what lies beyond
is cut to the last level.
"""

_ROWS_AT_ONCE = 512
"""Codes of so many rows become float32 at once: they stay in a processor's second cache."""


@dataclass(frozen=True, slots=True)
class Int8Codec:
    """c = round((x - centre) / step), per dimension, from -127 to 127.

    The scale is per dimension because encoders have dimensions that are much wider than others: one
    scale for all, wide enough for those, would leave the others a few levels. The steps cost
    nothing in a search, as they are multiplied into the query. Within the range of the sample a
    number is off by half a step at most.
    """

    name: ClassVar[str] = "int8"
    oversampling: ClassVar[float] = 2.0

    centre: Vectors
    step: Vectors

    @classmethod
    def fit(cls, sample: Vectors) -> "Int8Codec":
        wide = drawn(sample)
        centre = centre_of(wide)
        away = np.abs(wide - centre).max(axis=0, initial=0.0)
        spread = np.sqrt(np.square(wide - centre).mean(axis=0)) if len(wide) else away
        step = (np.minimum(away, WIDEST * spread) / 127).astype(np.float32)
        # A constant dimension is all in the centre.
        step[step == 0] = 1.0
        return cls(centre.astype(np.float32), step)

    @staticmethod
    def bytes_for(dim: int) -> int:
        return dim

    @property
    def bytes_a_vector(self) -> int:
        return len(self.step)

    def encode(self, vectors: Vectors) -> Codes:
        codes = np.empty(vectors.shape, np.int8)
        for start in range(0, len(vectors), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            with np.errstate(over="ignore"):  # what is far out becomes infinite, and is cut
                levels = (vectors[rows] - self.centre) / self.step
            codes[rows] = np.rint(np.clip(levels, -127, 127))
        return codes

    def decode(self, codes: Codes) -> Vectors:
        """float32[n, dim]: what the codes stand for."""
        decoded: Vectors = codes * self.step + self.centre
        return decoded

    def scores(self, queries: Vectors, codes: Codes) -> Scores:
        scores = np.empty((len(queries), len(codes)), np.float32)
        scaled = np.ascontiguousarray((queries * self.step).T)
        room = np.empty((min(_ROWS_AT_ONCE, len(codes)), len(self.step)), np.float32)
        for start in range(0, len(codes), _ROWS_AT_ONCE):
            part = codes[start : start + _ROWS_AT_ONCE]
            np.copyto(room[: len(part)], part)
            scores[:, start : start + len(part)] = (room[: len(part)] @ scaled).T
        scores += (queries @ self.centre)[:, None]
        return scores
