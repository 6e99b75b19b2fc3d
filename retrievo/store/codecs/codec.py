"""What a codec must offer, and what all of them need to fit."""

from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from retrievo.errors import StoreError
from retrievo.types import Scores, Vectors

Codes = npt.NDArray[Any]
"""uint8 or int8 [n, bytes_a_vector]; what else a codec keeps of a vector are its last bytes."""

FITTED_ON = 10_000
"""Vectors that a codec is fitted on at most: more of them hardly move a mean or a rotation."""


class Codec(Protocol):
    """Made by `fit`, and never changed: codes of one fit are compared by the same fit only.

    `oversampling` says how many candidates for each result are worth scoring exactly afterwards,
    where a user does not say it.
    """

    name: ClassVar[str]
    oversampling: ClassVar[float]

    @classmethod
    def fit(cls, sample: Vectors) -> Self:
        """A codec for vectors like those of the sample, float32[n, dim]; n may be small or 0."""
        ...

    @staticmethod
    def bytes_for(dim: int) -> int:
        """What `bytes_a_vector` would be."""
        ...

    @property
    def bytes_a_vector(self) -> int: ...

    def encode(self, vectors: Vectors) -> Codes:
        """Codes [n, bytes_a_vector], a row a vector."""
        ...

    def scores(self, queries: Vectors, codes: Codes) -> Scores:
        """float32[queries, n]: estimates of the inner products."""
        ...


class Fit(Protocol):
    """What makes a codec of a sample; `Int8Codec.fit`, say."""

    def __call__(self, sample: Vectors) -> Codec: ...


def drawn(sample: Vectors, most: int = FITTED_ON) -> npt.NDArray[np.float64]:
    """At most so many vectors of the sample, always the same, as float64.

    Raises StoreError for what is no matrix of finite numbers.
    """
    if sample.ndim != 2 or not sample.shape[1]:
        raise StoreError(f"a codec is fitted on float32[n, dim], not on shape {sample.shape}")
    if len(sample) > most:
        places = np.random.default_rng(0).choice(len(sample), most, replace=False)
        sample = sample[np.sort(places)]
    if not np.isfinite(sample).all():
        raise StoreError("a codec cannot be fitted on vectors with NaN or infinity")
    return sample.astype(np.float64)


def centre_of(sample: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean, float64[dim]; 0 of no vectors."""
    return sample.mean(axis=0) if len(sample) else np.zeros(sample.shape[1])
