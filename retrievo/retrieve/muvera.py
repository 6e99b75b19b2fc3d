"""One vector for many: fixed-dimension encodings whose inner product is near MaxSim.

Dhulipala et al. 2024, MUVERA: Multi-Vector Retrieval via Fixed Dimensional Encodings.
"""

import numpy as np
import numpy.typing as npt

from retrievo.errors import ConfigError
from retrievo.types import MultiRows, Vectors

SEED = 42


class FixedEncodings:
    """Encodes rows of vectors of `dim` numbers into one of `repetitions` · 2^`bits` · `projection`.

    Each repetition parts the space by `bits` random hyperplanes through the origin into 2^bits
    buckets (SimHash). A query's block of a bucket is the sum of its vectors there, a document's
    their mean; a bucket in which a document has none takes the vector whose bucket differs from it
    in the fewest bits, the first of equals. Blocks are projected to `projection` numbers by random
    signs / sqrt(projection); `projection` None leaves them as they are. Divided by the square root
    of the repetitions on both sides, so that the inner product is the mean over them: it estimates
    MaxSim, from below where projections are left out.

    The planes and signs follow from SEED and the sizes: every process has the same.
    """

    def __init__(
        self, dim: int, *, repetitions: int = 20, bits: int = 4, projection: int | None = 16
    ) -> None:
        if repetitions < 1 or not 0 <= bits <= 12 or not (projection is None or projection >= 1):
            raise ConfigError(
                f"muvera wants repetitions >= 1, bits from 0 to 12 and projection >= 1; got "
                f"{repetitions}, {bits} and {projection}"
            )
        self._repetitions, self._bits = repetitions, bits
        self._width = dim if projection is None else projection
        self.settings = f"muvera {repetitions} x {bits} bits x {self._width}, seed {SEED}"
        self.size = repetitions * 2**bits * self._width
        draw = np.random.default_rng(SEED)
        self._planes = draw.normal(size=(repetitions, dim, bits)).astype(np.float32)
        self._signs: Vectors | None = None
        if projection is not None:
            signs = draw.choice(np.array([-1, 1], np.float32), size=(repetitions, dim, projection))
            self._signs = (signs / np.sqrt(projection)).astype(np.float32)
        numbers = np.arange(2**bits, dtype=np.int64)
        self._apart = _ones(np.bitwise_xor.outer(numbers, numbers))  # bits in which buckets differ

    def queries(self, rows: MultiRows) -> Vectors:
        """float32[n, size]: sums by bucket."""
        return self._encoded(rows, mean=False)

    def documents(self, rows: MultiRows) -> Vectors:
        """float32[n, size]: means by bucket, empty ones filled; zeros for a row without vectors."""
        return self._encoded(rows, mean=True)

    def _encoded(self, rows: MultiRows, *, mean: bool) -> Vectors:
        made = np.zeros((len(rows), self._repetitions, 2**self._bits, self._width), np.float32)
        for at in range(len(rows)):
            vectors = rows[at]
            if len(vectors):
                for repetition in range(self._repetitions):
                    made[at, repetition] = self._blocks(vectors, repetition, mean=mean)
        made /= np.float32(np.sqrt(self._repetitions))
        return made.reshape(len(rows), self.size)

    def _blocks(self, vectors: Vectors, repetition: int, *, mean: bool) -> Vectors:
        buckets = self._buckets(vectors, repetition)
        if self._signs is not None:
            vectors = vectors @ self._signs[repetition]
        # A sum over members, as a product: some hundreds of tokens, some dozens of buckets.
        members = (buckets[None, :] == np.arange(2**self._bits)[:, None]).astype(np.float32)
        blocks = members @ vectors
        if mean:
            counts = members.sum(axis=1)
            blocks /= np.maximum(counts, 1)[:, None]
            empty = np.flatnonzero(counts == 0)
            nearest = self._apart[empty][:, buckets].argmin(axis=1)
            blocks[empty] = vectors[nearest]
        made: Vectors = blocks
        return made

    def _buckets(self, vectors: Vectors, repetition: int) -> npt.NDArray[np.int64]:
        sides = (vectors @ self._planes[repetition] > 0).astype(np.int64)
        made: npt.NDArray[np.int64] = sides @ (1 << np.arange(self._bits, dtype=np.int64))
        return made


def _ones(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many bits are set in each number."""
    found = np.zeros_like(numbers)
    while numbers.any():
        found += numbers & 1
        numbers = numbers >> 1
    return found
