"""Searching a memory store's state: which places may be found, and which of them are best."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from retrievo.errors import StoreError
from retrievo.filters import Filter, check_scope, unscoped
from retrievo.store.memory.coded import CODED_FROM, Coded, Coding
from retrievo.store.memory.exact import (
    BYTES_AT_ONCE,
    contenders,
    exact_scores,
    likeliest,
    margins,
    max_sim,
    scans,
)
from retrievo.store.memory.state import State
from retrievo.store.ordering import best_first
from retrievo.store.representations import Places, pick
from retrievo.types import Candidates, MultiRows, Representation, Scores, SparseRows, Vectors

FEW = 8
"""Where fewer than 1 in so many rows may be found, those are copied and scanned, not all."""


def matching_places(state: State, filters: Filter | None, where: str) -> Places | None:
    """The places, ascending, that a filter and its scope leave; None where that is all of them.

    Raises TenantError for a scope that an index of this kind lacks, or must not have.
    """
    tenant, wanted = unscoped(filters)
    check_scope(state.tenanted(), tenant, where)
    places: Places | None = None
    if wanted is not None:
        found = state.lookups.columns(state.rows.array, state.chunks).matching(wanted).rows
        places = np.searchsorted(state.rows.array, found)
    if tenant is None:
        return places
    if tenant not in state.documents:
        return np.empty(0, np.int64)
    mine = state.owners.array == state.tenants.index(tenant)
    return np.flatnonzero(mine) if places is None else places[mine[places]]


def best_rows(
    state: State,
    name: str,
    queries: Representation,
    depth: int,
    among: Places | None,
    coding: Coding,
) -> list[Candidates]:
    """For each query the best rows among the places, all of them where that is None."""
    values = state.values(name)
    depth = max(depth, 0)
    if isinstance(values, SparseRows) and isinstance(queries, SparseRows):
        return list(_sparse(state, name, queries, depth, among))
    if isinstance(values, MultiRows) and isinstance(queries, MultiRows):
        _check_size(name, queries.vectors, values.vectors)
        return list(_multi(state, values, queries, depth, among))
    if isinstance(values, np.ndarray) and isinstance(queries, np.ndarray):
        _check_size(name, queries, values)
        coded = coding.coded(state.lookups.coded, name, values)
        # Few vectors are as soon scored as their codes.
        if coded is None or coded.codec is None or (among is not None and len(among) < CODED_FROM):
            return list(_dense(state, name, values, queries, depth, among))
        pool = coding.pool(coded.codec, depth)
        return list(_coded(state, coded, values, queries, depth, pool, among))
    raise _other_kind(name, values, queries)


def _dense(
    state: State, name: str, vectors: Vectors, queries: Vectors, depth: int, among: Places | None
) -> Iterator[Candidates]:
    rows, errors = state.rows.array, margins(state.lookups.longest(name, vectors), queries)
    whole = vectors
    n = len(vectors) if among is None else len(among)
    few = among is not None and FEW * n <= len(vectors) and n * vectors[:1].nbytes <= BYTES_AT_ONCE
    if few:
        vectors = vectors[among]
    for query, scores, margin in zip(queries, scans(vectors, queries), errors, strict=True):
        places = contenders(scores, depth, margin, None if few else among)
        if few and among is not None:
            places = among[places]
        exact = exact_scores(whole, places, query)
        yield best_first(rows[places], exact, depth, exhaustive=n < depth)


def _coded(
    state: State,
    coded: Coded,
    vectors: Vectors,
    queries: Vectors,
    depth: int,
    pool: int,
    among: Places | None,
) -> Iterator[Candidates]:
    """The best of the `pool` candidates that look best by their codes."""
    rows = state.rows.array
    size = max(1, BYTES_AT_ONCE // (4 * len(vectors)))
    for start in range(0, len(queries), size):
        part = queries[start : start + size]
        for query, scores in zip(part, coded.scores(part), strict=True):
            places = likeliest(scores, pool, among)
            exact = exact_scores(vectors, places, query)
            few = (len(vectors) if among is None else len(among)) < depth
            yield best_first(rows[places], exact, depth, exhaustive=few)


def _sparse(
    state: State, name: str, queries: SparseRows, depth: int, among: Places | None
) -> Iterator[Candidates]:
    inverted, rows = state.inverted(name), state.rows.array
    allowed = None if among is None else _mask(among, len(rows))
    for i in range(len(queries)):
        scores, found = inverted.found(*queries[i])
        places = np.flatnonzero(found if allowed is None else found & allowed)
        few = len(places) < depth
        places = contenders(scores, depth, 0.0, places)
        yield best_first(rows[places], scores[places], depth, exhaustive=few)


def _multi(
    state: State, values: MultiRows, queries: MultiRows, depth: int, among: Places | None
) -> Iterator[Candidates]:
    full = np.diff(values.indptr) > 0
    places = np.flatnonzero(full) if among is None else among[full[among]]
    part = values
    if len(places) < len(full):
        picked = pick(values, places)
        assert isinstance(picked, MultiRows)
        part = picked
    rows = state.rows.array[places]
    for i in range(len(queries)):
        scores = max_sim(part, queries[i])
        best = contenders(scores, depth, 0.0, None)
        yield best_first(rows[best], scores[best], depth, exhaustive=len(rows) < depth)


def all_scores(state: State, name: str, queries: Representation, places: Places) -> list[Scores]:
    """For each query the score of each place, 0 where a search would not find it."""
    values = state.values(name)
    if isinstance(values, SparseRows) and isinstance(queries, SparseRows):
        inverted = state.inverted(name)
        return [inverted.scores(*queries[i])[places] for i in range(len(queries))]
    if isinstance(values, MultiRows) and isinstance(queries, MultiRows):
        _check_size(name, queries.vectors, values.vectors)
        picked = pick(values, places)
        assert isinstance(picked, MultiRows)
        scores = [max_sim(picked, queries[i]) for i in range(len(queries))]
        return [np.where(np.isneginf(score), np.float32(0), score) for score in scores]
    if isinstance(values, np.ndarray) and isinstance(queries, np.ndarray):
        _check_size(name, queries, values)
        return [exact_scores(values, places, query) for query in queries]
    raise _other_kind(name, values, queries)


def _mask(places: Places, n: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(n, bool)
    mask[places] = True
    return mask


def _check_size(name: str, queries: Vectors, vectors: Vectors) -> None:
    if len(queries) and queries.shape[1] != vectors.shape[1]:
        raise StoreError(
            f"a query of {queries.shape[1]} numbers was given for {name!r}, whose vectors have "
            f"{vectors.shape[1]}; the query encoder is not that of the index"
        )


def _other_kind(name: str, values: Representation, queries: Representation) -> StoreError:
    kinds = {SparseRows: "sparse", MultiRows: "multi-vector"}
    asked, kept = (kinds.get(type(one), "dense") for one in (queries, values))
    return StoreError(f"a {asked} query was given for {name!r}, which is {kept}")
