"""Exact scores of dense vectors and of several vectors a row, in bounded memory.

BLAS adds in another order for another shape, so that a row's score would depend on the queries
beside it, on filters and on its place in the array, and equal vectors would not score equally. So
BLAS only picks candidates, with a margin for its rounding; what they score is added in float64 and
rounded once.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from retrievo.types import MultiRows, Scores, Vectors

Places = npt.NDArray[np.int64]

BYTES_AT_ONCE = 32 * 2**20
"""Bounds every matrix that lives only during a search."""


def exact_scores(vectors: Vectors, places: Places, query: Vectors) -> Scores:
    """float32[n]: inner products with the vectors at the places, whatever else is asked for."""
    wide = query.astype(np.float64)
    scores = np.empty(len(places), np.float32)
    size = _at_once(8 * max(1, vectors.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(places), size):
            part = vectors[places[start : start + size]].astype(np.float64)
            # einsum adds up each row by itself, a matrix product does not.
            scores[start : start + size] = np.einsum("ij,j->i", part, wide)
    return scores


def scans(vectors: Vectors, queries: Vectors) -> Iterator[Scores]:
    """For each query float32[n]: inner products as BLAS rounds them."""
    size = _at_once(4 * max(1, len(vectors)))
    for start in range(0, len(queries), size):
        with np.errstate(over="ignore", invalid="ignore"):
            block = queries[start : start + size] @ vectors.T
        yield from block


def longest(vectors: Vectors) -> float:
    """The greatest length of the vectors; 0 of none."""
    if not vectors.size:
        return 0.0
    size = _at_once(8 * vectors.shape[1])
    parts = (vectors[start : start + size] for start in range(0, len(vectors), size))
    return max(
        float(np.sqrt(np.einsum("ij,ij->i", part, part, dtype=np.float64).max())) for part in parts
    )


def margins(longest: float, queries: Vectors) -> npt.NDArray[np.float64]:
    """float64[n]: by how much a scan may be wrong for each query, given the longest vector.

    Summing n products in float32 errs by at most n u / (1 - n u) times the lengths of both vectors,
    u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); products too small for
    float32 are lost whole.
    """
    lengths = np.sqrt(np.einsum("ij,ij->i", queries, queries, dtype=np.float64))
    u, smallest = 2.0**-24, 2.0**-126
    error: npt.NDArray[np.float64] = queries.shape[1] * (1.01 * u * longest * lengths + smallest)
    return error


def contenders(scores: Scores, depth: int, margin: float, among: Places | None) -> Places:
    """Places, of `among` or of all, whose score may be among the best `depth` within the margin.

    All that equal the last one are: which of them is cut is for their rows to decide.
    """
    given = scores if among is None else scores[among]
    if depth < 1:
        return np.empty(0, np.int64)
    if len(given) <= depth:
        return np.arange(len(given)) if among is None else among
    last = np.partition(given, len(given) - depth)[len(given) - depth]
    with np.errstate(over="ignore", invalid="ignore"):
        least = np.nextafter(np.float32(last - np.float64(2 * margin)), np.float32(-np.inf))
        # Asked this way round, a NaN stays in, and so does everything where the last one is NaN.
        stay = np.flatnonzero(~(given < least))
    return stay if among is None else among[stay]


def likeliest(scores: Scores, n: int, among: Places | None) -> Places:
    """The n places, of `among` or of all, of the highest estimates; the first of equal ones.

    Estimates may be equal by the thousand, and equal estimates say nothing about the scores.
    """
    given = scores if among is None else scores[among]
    given = np.nan_to_num(given, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    if len(given) > n > 0:
        last = np.partition(given, len(given) - n)[len(given) - n]
        above = np.flatnonzero(given > last)
        equal = np.flatnonzero(given == last)[: n - len(above)]
        places = np.concatenate([above, equal])
    else:
        places = np.arange(len(given) if n > 0 else 0)
    return places if among is None else among[places]


def max_sim(rows: MultiRows, query: Vectors) -> Scores:
    """float32[n]: for each vector of the query its highest inner product with the row's, summed.

    MaxSim of Khattab and Zaharia 2020 (ColBERT); -inf for a row without a vector.
    """
    sizes = np.diff(rows.indptr)
    scores = np.full(len(rows), -np.inf, np.float32)
    full = np.flatnonzero(sizes)
    starts = rows.indptr[full]
    wide = query.astype(np.float64).T
    limit = _at_once(8 * (max(1, query.shape[1]) + len(query)))
    first = 0
    while first < len(full):
        # As many rows as fit, and one at least.
        past = int(np.searchsorted(starts, starts[first] + limit, side="left"))
        past = max(past, first + 1)
        end = int(rows.indptr[full[past - 1] + 1])
        part = rows.vectors[int(starts[first]) : end].astype(np.float64)
        highest = np.maximum.reduceat(part @ wide, starts[first:past] - starts[first], axis=0)
        scores[full[first:past]] = highest.sum(axis=1)
        first = past
    return scores


def _at_once(bytes_a_row: int) -> int:
    return max(1, BYTES_AT_ONCE // bytes_a_row)
