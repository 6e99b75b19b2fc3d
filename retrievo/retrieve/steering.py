"""Moves a query's vector towards some texts and away from others.

Vector arithmetic as of Mikolov et al. 2013, with directions that a prompt gives (PDV, 2025).
"""

from collections.abc import Callable, Sequence

import numpy as np

from retrievo.errors import SearchError
from retrievo.types import Query, Vectors

STRENGTH = 0.5
"""What a text counts beside the query. At .5 one text that has nothing in common with the query
leaves it a cosine of .89 to where it was: it shifts the order and does not change the subject. At 1
it would be as much the text as the query."""

_SIGNS = {"more": 1.0, "less": -1.0}


def steered(
    vectors: Vectors,
    queries: Sequence[Query],
    encode: Callable[[Sequence[str]], Vectors],
    strength: float,
) -> Vectors:
    """For each query v + strength · (Σ e(more) - Σ e(less)), as long as v was.

    `encode` gives vectors in the queries' space. A vector that is moved to nothing stays as it was.
    Raises SearchError for what is neither "more" nor "less".
    """
    for query in queries:
        for direction, text in query.steer:
            if direction not in _SIGNS:
                raise SearchError(
                    f"a query is steered {direction!r} {text!r:.40}; 'more' or 'less' is wanted"
                )
    texts = list(dict.fromkeys(text for query in queries for _, text in query.steer))
    if not texts or not strength:
        return vectors
    known = dict(zip(texts, encode(texts), strict=True))
    made = np.array(vectors, np.float32)
    for row, query in enumerate(queries):
        if not query.steer:
            continue
        moves = (_SIGNS[direction] * known[text] for direction, text in query.steer)
        moved = vectors[row] + strength * np.sum(list(moves), axis=0)
        length = float(np.linalg.norm(moved))
        if length > 1e-6:
            made[row] = moved * (float(np.linalg.norm(vectors[row])) / length)
    return made
