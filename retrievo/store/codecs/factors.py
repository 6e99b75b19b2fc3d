"""Two numbers that stand behind each vector's bits, and turn a product of codes into an estimate.

For x = c + r with the code y of r, and any number a,

    <q, x> = <q, c> + a <c, r> + <q - a c, r>

and the last is estimated as |r|^2 <q - a c, y> / <y, r> (Gao and Long, SIGMOD 2024, equations 13
and 17). The paper has a = 1; the error goes with the length of q - a c, which is least for
a = <q, c> / <c, c>, whether queries lie near the centre or nowhere near it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrievo.store.codecs.codec import Codes
from retrievo.types import Scores, Vectors

_SMALL = 2.0**-60

Factors = npt.NDArray[np.float32]


def with_factors(packed: Codes, turned: Vectors, coded: Vectors, toward: Scores) -> Codes:
    """The codes with |r|^2 / <y, r> and <c, r> behind them; y is `coded`, r is `turned`."""
    wide = turned.astype(np.float64)
    squares = np.einsum("ij,ij->i", wide, wide)
    along = np.einsum("ij,ij->i", wide, coded, dtype=np.float64)
    factors = np.empty((len(packed), 2), np.float32)
    # A vector in the centre has no direction: what is said of it is exact without its code.
    factors[:, 0] = np.divide(squares, along, out=np.zeros_like(squares), where=along > 0)
    factors[:, 1] = toward
    return np.concatenate([packed, factors.view(np.uint8)], axis=1)


def without_factors(codes: Codes) -> tuple[Codes, Factors]:
    """The codes alone, and float32[n, 2]."""
    return codes[:, :-8], np.ascontiguousarray(codes[:, -8:]).view(np.float32)


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries split at the centre: what stands across it, and how much of it they have."""

    across: Vectors
    share: Scores
    toward: Scores

    @classmethod
    def of(cls, queries: Vectors, centre: Vectors) -> "Asked":
        toward = queries @ centre
        square = float(np.square(centre, dtype=np.float64).sum())
        # Any share is right; of a centre that is as good as 0 it would be endless.
        share = (toward / square if square > _SMALL else 0 * toward).astype(np.float32)
        across = queries - share[:, None] * centre
        return cls(across, share, toward)

    def estimates(self, products: Scores, factors: Factors) -> Scores:
        """The inner products that follow from <q - a c, y> and the factors of each vector."""
        products *= factors[:, 0]
        products += self.share[:, None] * factors[:, 1]
        products += self.toward[:, None]
        return products
