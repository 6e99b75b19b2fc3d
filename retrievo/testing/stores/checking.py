"""A store held against the model: what is in it, and what its searches find."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from retrievo.contracts import Store
from retrievo.filters import Filter
from retrievo.testing.stores.model import Kept, Key, Model
from retrievo.testing.stores.samples import everything_of
from retrievo.types import Candidates, Chunk, MultiRows, Representation, Rows, SparseRows

NEAR = 1e-4
"""What float32 may lose of a score of these sizes."""


def rows_of(store: Store) -> Rows:
    """All rows, as `scan` gives them."""
    return np.concatenate([np.empty(0, np.int64), *store.scan()])


def told(chunk: Chunk) -> str:
    """All of the chunk, in a form in which 1, 1.0 and True differ, as they do not for Python."""
    return json.dumps(asdict(chunk), sort_keys=True)


def check_contents(store: Store, model: Model) -> None:
    """The store holds what the model holds, and each way of asking says so."""
    rows = rows_of(store)
    keys = check_rows(store, model, rows)
    assert rows.dtype == np.int64 and (np.diff(rows) > 0).all(), "scan: each row once, ascending"
    expected = model.by_key()
    for key, times in Counter(keys).items():
        assert times == 1, f"chunk {key} is there {times} times"
    missing = [one.chunk for key, one in expected.items() if key not in set(keys)]
    assert not missing, f"missing: {missing[:3]}, {len(missing)} in all"
    for key, chunk in zip(keys, store.get(rows), strict=True):
        assert told(chunk) == told(expected[key].chunk), "JSON types have changed"
    assert store.count() == len(expected)
    assert store.document_count() == len(model.documents)
    assert store.tenanted() is model.tenanted or not model.documents
    _check_documents(store, model, dict(zip(keys, rows.tolist(), strict=True)))
    kept = [expected[key] for key in keys]
    for name in model.spaces:
        _check_values(model, name, store.vectors(name, rows), kept)
        if model.spaces[name].kind == "sparse":
            _check_statistics(store, model, name)


def check_rows(store: Store, model: Model, rows: Rows) -> list[Key]:
    """Whose chunk each row is; one number means the same chunk as whenever it was seen."""
    expected = model.by_key()
    chunks, tenants = store.get(rows), store.tenants(rows)
    assert len(chunks) == len(tenants) == len(rows)
    keys = [(tenant, chunk.id) for tenant, chunk in zip(tenants, chunks, strict=True)]
    for row, key, chunk in zip(rows.tolist(), keys, chunks, strict=True):
        assert key in expected, f"row {row} is chunk {chunk.id} of {chunk.doc_id!r} of {key[0]!r}"
        assert chunk == expected[key].chunk
        before = model.meant.setdefault(row, key)
        assert before == key, f"the number {row} meant chunk {before} and now means {key}"
    return keys


def _check_documents(store: Store, model: Model, row_of: dict[Key, int]) -> None:
    """Looking up by id, as each tenant, also what only another has."""
    everybodys = sorted({doc_id for _, doc_id in model.documents})
    chunk_ids = sorted({chunk_id for _, chunk_id in row_of})
    for tenant in {owner for owner, _ in model.documents}:
        prints = {
            doc_id: print_ for (owner, doc_id), print_ in model.fingerprints.items()
            if owner == tenant
        }  # fmt: skip
        assert store.fingerprints(tenant=tenant) == prints
        assert store.fingerprints([*everybodys, "nobody"], tenant=tenant) == prints
        found = store.document_rows([*everybodys, "nobody"], tenant=tenant)
        for doc_id, rows in zip([*everybodys, "nobody"], found, strict=True):
            right = [row_of[kept.key] for kept in model.documents.get((tenant, doc_id), [])]
            assert rows.tolist() == right, f"rows of {doc_id!r} for {tenant!r}, in its order"
            given = set(store.document_numbers(rows).tolist())
            assert len(given) <= 1, f"{doc_id!r} has more than one number: {given}"
        rows = store.rows([*chunk_ids, "nobody"], tenant=tenant)
        assert rows.dtype == np.int64
        assert rows.tolist() == [row_of.get((tenant, name), -1) for name in [*chunk_ids, "nobody"]]
    everything = np.array(list(row_of.values()), np.int64)
    numbers = dict(zip(row_of, store.document_numbers(everything).tolist(), strict=True))
    first = [kept[0].key for kept in model.documents.values() if kept]
    assert len({numbers[key] for key in first}) == len(first), "documents share a number"


def _check_values(model: Model, name: str, found: Representation, kept: list[Kept]) -> None:
    assert len(found) == len(kept)
    kind = model.spaces[name].kind
    for place, one in enumerate(kept):
        right = one.values[name]
        got: Any = found[place]
        where = f"{name} of {one.chunk.doc_id!r} at {one.chunk.start}"
        if kind == "sparse":
            assert isinstance(found, SparseRows), f"{name}: SparseRows are wanted"
            pairs = dict(zip(*(part.tolist() for part in got), strict=True))
            assert pairs.keys() == right.keys(), where
            assert all(abs(pairs[i] - right[i]) < 1e-6 for i in pairs), where
        else:
            assert isinstance(found, MultiRows if kind == "multi" else np.ndarray)
            assert got.shape == right.shape and got.dtype == np.float32, where
            assert np.allclose(got, right, atol=1e-6), f"{where}: stored values differ"


def _check_statistics(store: Store, model: Model, name: str) -> None:
    found = store.statistics(name)
    assert found.n == len(model.kept()), f"statistics count {found.n} rows"
    assert abs(found.mean_length - model.mean_length(name)) < 1e-3
    if model.fitted.get(name) is not None:
        assert found.fitted_mean == model.fitted[name]
    right = model.frequencies(name)
    asked = [*right, 77]
    counts = store.frequencies(name, np.array(asked, np.uint32))
    assert counts.tolist() == [*right.values(), 0], f"frequencies of {asked}"


def check_among(store: Store, model: Model, name: str, asked: Iterable[Filter]) -> None:
    """A search for everything finds, for each filter, the rows that match and no others."""
    query = everything_of(model.spaces[name])
    rows = rows_of(store)
    row_of = dict(zip(check_rows(store, model, rows), rows.tolist(), strict=True))
    score = model.scorer(name, query[0])
    for wanted in asked:
        right = {row_of[one.key] for one in model.kept(wanted) if score(one) is not None}
        found = set(store.search(name, query, len(rows) + 1, wanted)[0].rows.tolist())
        missing, wrong = sorted(right - found), sorted(found - right)
        assert found == right, f"{name}, {wanted}: rows {missing} are missing, {wrong} are wrong"


def check_search(
    store: Store,
    model: Model,
    name: str,
    queries: Representation,
    depth: int,
    filters: Filter | None = None,
) -> None:
    """Each query finds the best `depth` of what matches, best first, and scores it exactly."""
    where = f"{name}, depth {depth}, filter {filters}"
    answers = store.search(name, queries, depth, filters)
    assert len(answers) == len(queries), f"{where}: {len(answers)} answers for {len(queries)}"
    allowed = model.kept(filters)
    for place, found in enumerate(answers):
        score = model.scorer(name, queries[place])
        exact = {one.key: value for one in allowed if (value := score(one)) is not None}
        _check_found(store, model, found, exact, depth, where)
        again = store.score(name, _only(queries, place), found.rows)
        assert len(again) == 1 and np.allclose(again[0], found.scores, atol=NEAR), (
            f"{where}: score() says {again} and search {found.scores}"
        )


def _check_found(
    store: Store,
    model: Model,
    found: Candidates,
    exact: dict[Key, float],
    depth: int,
    where: str,
) -> None:
    assert found.rows.dtype == np.int64 and found.scores.dtype == np.float32, where
    assert len(found.rows) == len(found.scores) == len(set(found.rows.tolist())), where
    keys = check_rows(store, model, found.rows)
    wrong = [key for key in keys if key not in exact]
    assert not wrong, f"{where}: found {wrong}, which do not match"
    wanted = min(depth, len(exact))
    assert len(keys) == wanted, f"{where}: {len(keys)} rows, {wanted} match within the depth"
    assert (np.diff(found.scores) <= 0).all(), f"{where}: not best first: {found.scores}"
    best = sorted(exact.values(), reverse=True)[:wanted]
    assert np.allclose(found.scores, best, rtol=1e-5, atol=NEAR), (
        f"{where}: scores {found.scores}, the best are {best}"
    )
    right = [exact[key] for key in keys]
    assert np.allclose(found.scores, right, rtol=1e-5, atol=NEAR), (
        f"{where}: scores {found.scores} of rows that score {right}"
    )
    if len(exact) < depth:
        assert found.exhaustive, f"{where}: all that match are there, and it is not said"
    if found.exhaustive:
        assert len(keys) == len(exact), f"{where}: said to be all, of {len(exact)}"


def _only(queries: Representation, place: int) -> Representation:
    if isinstance(queries, np.ndarray):
        return queries[place : place + 1]
    bounds = queries.indptr[place : place + 2]
    part = slice(int(bounds[0]), int(bounds[1]))
    if isinstance(queries, MultiRows):
        return MultiRows(bounds - bounds[0], queries.vectors[part])
    return SparseRows(bounds - bounds[0], queries.indices[part], queries.values[part])
