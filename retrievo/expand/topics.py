"""Topics given by keywords: a vector for each, made of the chunks that are near to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from retrievo.contracts import Store
from retrievo.expand.outliers import OUTLIER, local_outlier_factors
from retrievo.types import Scores, Vectors


class Tag(NamedTuple):
    """The topic that a text is nearest to, None for one without direction, and their cosine."""

    topic: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Topics:
    """Names, and for each a unit vector, and how near to it its farthest keyword is.

    `documents` says of how many chunks each vector is the centroid; 0 where of its keywords alone.
    """

    names: tuple[str, ...]
    vectors: Vectors
    near: Scores
    documents: tuple[int, ...]

    def best(self, vectors: Vectors) -> list[Tag]:
        """For each vector its nearest topic; the first of equal ones."""
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = (vectors / np.maximum(lengths, 1e-30)) @ self.vectors.T
        found = cosines.argmax(axis=1)
        return [
            Tag(self.names[at] if length > 0 else None, float(row[at]))
            for at, row, length in zip(found, cosines, lengths[:, 0], strict=True)
        ]


def keyword_topics(keywords: Mapping[str, Vectors]) -> Topics:
    """Topics by the mean of their keywords' vectors, float32[n, dim] for each name."""
    means = {name: unit(vectors.mean(axis=0)) for name, vectors in keywords.items()}
    return _topics(keywords, means, dict.fromkeys(keywords, 0))


def document_topics(
    keywords: Mapping[str, Vectors],
    store: Store,
    representation: str,
    *,
    offset: float,
    min_documents: int,
    max_documents: int,
    clean: bool,
) -> Topics:
    """Topics by the centroid of the chunks that are near to the mean of their keywords' vectors.

    Lbl2Vec (Schopf, Braun and Matthes 2021): the chunks whose similarity is at most `offset` below
    the best one's, at least `min_documents`; with `clean` without those that lie apart from the
    others. At most `max_documents` are looked at.
    """
    plain = keyword_topics(keywords)
    vectors, counts = {}, {}
    with store.reading():
        found = store.search(representation, plain.vectors, max_documents)
        for name, mean, candidates in zip(plain.names, plain.vectors, found, strict=True):
            scores = candidates.scores
            kept = scores >= scores[0] - offset if len(scores) else np.empty(0, bool)
            kept[:min_documents] = True
            near = np.asarray(store.vectors(representation, candidates.rows[kept]), np.float32)
            if clean and len(near):
                inside = local_outlier_factors(near) <= OUTLIER
                near = near[inside] if inside.sum() >= min_documents else near
            centre = unit(near.mean(axis=0)) if len(near) else mean
            if not centre.any():
                centre, near = mean, near[:0]
            vectors[name], counts[name] = centre, len(near)
    return _topics(keywords, vectors, counts)


def unit(vector: Vectors) -> Vectors:
    """The vector at length 1; a zero vector stays one."""
    norm = float(np.linalg.norm(vector))
    return vector if norm < 1e-12 else np.asarray(vector / norm, np.float32)


def _topics(
    keywords: Mapping[str, Vectors], vectors: Mapping[str, Vectors], counts: Mapping[str, int]
) -> Topics:
    names: Sequence[str] = tuple(keywords)
    near = []
    for name in names:
        given = keywords[name]
        lengths = np.maximum(np.linalg.norm(given, axis=1), 1e-30)
        near.append(float((given @ vectors[name] / lengths).min()))
    stacked = np.stack([vectors[name] for name in names]).astype(np.float32)
    return Topics(
        tuple(names), stacked, np.asarray(near, np.float32), tuple(counts[name] for name in names)
    )
