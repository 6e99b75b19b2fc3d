"""A query's vector, and vectors mixed into it: as long as before, in another direction."""

import numpy as np

from retrievo.contracts import Encoder, Space, Store
from retrievo.errors import SearchError
from retrievo.retrieve.vectors import checked_vectors
from retrievo.types import Query, Vectors


def space_of(store: Store, representation: str) -> Space | None:
    """How the index keeps a representation; None where it has none of that name."""
    passport = store.passport()
    return None if passport is None else passport.representations.get(representation)


def check_dim(store: Store, representation: str, dim: int, who: str) -> bool:
    """Whether the index keeps vectors under that name at all.

    Raises SearchError where they are of another kind or size than the encoder's.
    """
    space = space_of(store, representation)
    if space is None:
        return False
    if space.kind != "dense" or space.size != dim:
        raise SearchError(
            f"{who} moves vectors of {dim} numbers, and {representation!r} of this index is "
            f"{space}; name another `representation`"
        )
    return True


def query_vector(query: Query, representation: str, encoder: Encoder) -> Vectors:
    """float32[dim]: the one that the query has already, else the encoder's."""
    known = query.vectors.get(representation)
    if known is not None:
        return known
    made = checked_vectors(encoder, encoder.encode_query([query.text]), 1, encoder.dim)
    vector: Vectors = made[0]
    return vector


def mixed(own: Vectors, other: Vectors, own_weight: float, other_weight: float) -> Vectors:
    """float32[dim]: `own_weight` of the one and `other_weight` of the other, as long as `own`.

    Of unit length where `own` is a zero vector. `own` itself where both cancel.
    """
    made = own_weight * own.astype(np.float64) + other_weight * other.astype(np.float64)
    norm = float(np.linalg.norm(made))
    if not np.isfinite(norm) or norm < 1e-12:
        return own
    length = float(np.linalg.norm(own)) or 1.0
    return (made * (length / norm)).astype(np.float32)
