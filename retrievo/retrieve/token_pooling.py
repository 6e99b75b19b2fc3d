"""Fewer vectors a chunk: tokens that are alike become one.

Clavié, Chaffin and Adams 2024, Reducing the Footprint of Multi-Vector Retrieval with Minimal
Performance Impact via Token Pooling: hierarchical clustering by Ward's criterion within each text.
"""

import numpy as np
import numpy.typing as npt

from retrievo.types import MultiRows, Vectors

Labels = npt.NDArray[np.int64]


def pooled(rows: MultiRows, factor: int) -> MultiRows:
    """About n / factor vectors for a row of n: the unit means of its clusters.

    One vector at least where there is one. In the order of each cluster's first token.
    """
    if factor == 1:
        return rows
    parts = [means(rows[i], clusters(rows[i], factor)) for i in range(len(rows))]
    indptr = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return MultiRows(indptr, np.concatenate([rows.vectors[:0], *parts]))


def means(vectors: Vectors, labels: Labels) -> Vectors:
    """float32[clusters, dim]: the mean of each cluster's vectors, at length 1."""
    if not len(vectors):
        return vectors
    sums = np.zeros((int(labels.max()) + 1, vectors.shape[1]))
    np.add.at(sums, labels, vectors)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    made: Vectors = (sums / np.where(norms > 0, norms, 1)).astype(np.float32)
    return made


def clusters(vectors: Vectors, factor: int) -> Labels:
    """int64[n]: the cluster of each vector, max(1, n // factor) in all, numbered as they come."""
    n = len(vectors)
    wanted = max(1, n // factor)
    if n <= wanted:
        return np.arange(n)
    merges = ward(vectors)
    merges.sort(key=lambda merge: merge[0])
    parent = list(range(n))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for _, one, other in merges[: n - wanted]:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    roots = [root(at) for at in range(n)]
    numbers = {found: number for number, found in enumerate(dict.fromkeys(roots))}
    return np.array([numbers[found] for found in roots])


def ward(vectors: Vectors) -> list[tuple[float, int, int]]:
    """All n - 1 merges as (height, a token of one cluster, a token of the other), in no order.

    By chains of nearest neighbours (Murtagh 1983), which takes n² steps; the criterion is
    reducible, so that the merges are those of always joining the nearest two. Heights are squared.
    """
    wide = np.asarray(vectors, np.float64)
    n = len(wide)
    squares = (wide**2).sum(axis=1)
    far = np.maximum(squares[:, None] + squares[None, :] - 2 * wide @ wide.T, 0.0)
    np.fill_diagonal(far, np.inf)
    sizes = np.ones(n)
    alive = np.ones(n, bool)
    merges: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while len(merges) < n - 1:
        if not chain:
            chain.append(int(alive.argmax()))
        top = chain[-1]
        row = far[top]
        nearest = int(row.argmin())
        if len(chain) > 1 and row[chain[-2]] <= row[nearest]:
            nearest = chain[-2]  # of equals the one before, or the chain would never end
        if len(chain) < 2 or nearest != chain[-2]:
            chain.append(nearest)
            continue
        del chain[-2:]
        height = float(row[nearest])
        merges.append((height, top, nearest))
        # Lance and Williams 1967: the distances of the joined cluster from those of its parts.
        a, b = sizes[top], sizes[nearest]
        with np.errstate(invalid="ignore"):
            joined = (a + sizes) * far[top] + (b + sizes) * far[nearest] - sizes * height
        joined /= a + b + sizes
        joined[~alive] = np.inf
        joined[[top, nearest]] = np.inf
        far[top], far[:, top] = joined, joined
        far[nearest], far[:, nearest] = np.inf, np.inf
        alive[nearest] = False
        sizes[top] = a + b
    return merges
