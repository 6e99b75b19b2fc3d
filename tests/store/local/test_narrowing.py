"""Filtered search against an exact scan, with a graph that is there although the rows are few."""

import numpy as np
import pytest
from engines import DIM, best, engine_of, matching, recall, unit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrievo.store.local import engine_config, narrowing
from retrievo.store.local.narrowing import scores_of, search_among

N = 3_000


def clustered(rng, n):
    """Unit vectors in 30 close groups, some of them equal."""
    centres = unit(rng, 30)
    made = centres[rng.integers(0, 30, n)] + 0.15 * rng.normal(size=(n, DIM))
    made[: n // 20] = made[0]
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", params=["scan", "codes", "graph"])
def held(request, tmp_path_factory):
    """An engine of each layout with its vectors; filters use the graph from 200 matches on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_config, "QUANTIZE_ABOVE", 10**9 if request.param == "scan" else 100)
        patch.setattr(engine_config, "GRAPH_ABOVE", 1000 if request.param == "graph" else 10**9)
        patch.setattr(narrowing, "EXACT_BELOW", 200)
        vectors = clustered(np.random.default_rng(0), N)
        engine = engine_of(tmp_path_factory.mktemp("engine") / "vectors", vectors)
        assert engine.layout.graph == (request.param == "graph")
        assert engine.layout.codings["dense"] == ("none" if request.param == "scan" else "int8")
        yield engine, vectors
        engine.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_it_finds_as_many_as_there_are_and_the_best(held, data):
    engine, vectors = held
    seed = data.draw(st.integers(0, 2**32 - 1), "seed")
    rng = np.random.default_rng(seed)
    share = data.draw(st.sampled_from([0.0, 0.0005, 0.005, 0.05, 0.5, 0.98, 1.0]), "share")
    depth = data.draw(st.sampled_from([1, 10, 100, N + 5]), "depth")
    query = unit(rng, 1)[0]
    n = round(N * share)
    order = {
        "random": rng.permutation(N),
        "nearest": np.argsort(-(vectors @ query)),
        "farthest": np.argsort(vectors @ query),
    }[data.draw(st.sampled_from(["random", "nearest", "farthest"]), "kind")]
    rows = np.sort(order[:n])
    found = search_among(engine, "dense", [query], depth, matching(rows, N))[0]
    assert len(found) == min(depth, n) and found.exhaustive == (n < depth)
    assert len(set(found.rows.tolist())) == len(found) and set(found.rows) <= set(rows)
    assert np.all(np.diff(found.scores) <= 0)
    assert np.allclose(found.scores, vectors[found.rows] @ query, atol=1e-5)
    if n and not (engine.layout.graph and n > narrowing.EXACT_BELOW):
        assert recall(found, vectors, query, min(depth, 10), rows) == 1.0


@pytest.mark.parametrize("kind", ["random", "nearest", "farthest"])
@pytest.mark.parametrize("share", [0.5, 0.05, 0.005])
def test_recall_of_filtered_searches(held, share, kind):
    engine, vectors = held
    rng = np.random.default_rng(1)
    queries = unit(rng, 100)
    shares = []
    for query in queries:
        order = rng.permutation(N) if kind == "random" else np.argsort(vectors @ query)
        rows = order[::-1] if kind == "nearest" else order
        rows = np.sort(rows[: int(N * share)])
        found = search_among(engine, "dense", [query], 10, matching(rows, N))[0]
        shares.append(recall(found, vectors, query, 10, rows))
    assert np.mean(shares) >= 0.99


def test_several_queries_at_once_find_what_each_finds_alone(held):
    engine, vectors = held
    queries = list(unit(np.random.default_rng(2), 7))
    for rows in (np.arange(0, N, 2), np.arange(0, N, 300), np.argsort(vectors @ queries[0])[:1500]):
        among = matching(np.sort(rows), N)
        together = search_among(engine, "dense", queries, 10, among)
        for query, one in zip(queries, together, strict=True):
            assert np.allclose(one.scores, best(vectors, query, 10, among.rows), atol=1e-5)


def test_a_walk_that_ends_early_is_done_again_exactly(held, monkeypatch):
    engine, vectors = held
    asked = []
    search = engine.search

    def short(*arguments, exact=False, **options):
        asked.append(exact)
        found = search(*arguments, exact=exact, **options)
        return found if exact else [(rows[:3], scores[:3]) for rows, scores in found]

    monkeypatch.setattr(engine, "search", short)
    query = vectors[5]
    found = search_among(engine, "dense", [query], 10, None)[0]
    if engine.layout.graph:
        assert asked == [False, True]
        assert np.allclose(found.scores, best(vectors, query, 10), atol=1e-5)
    else:
        assert asked == [False]


def test_scores_are_those_of_the_float_vectors(held):
    engine, vectors = held
    queries = list(3 * unit(np.random.default_rng(3), 4))
    rows = np.array([7, 2999, 0, 7, 41])
    for query, scores in zip(queries, scores_of(engine, "dense", queries, rows), strict=True):
        assert np.allclose(scores, vectors[rows] @ query, atol=1e-5)
    assert scores_of(engine, "dense", queries, np.array([10**6]))[0].tolist() == [0.0]


@pytest.mark.parametrize("depth", [0, -1])
def test_depth_zero_finds_nothing_and_does_not_say_that_is_all(held, depth):
    engine, vectors = held
    found = search_among(engine, "dense", [vectors[0]], depth, matching([1, 2], N))[0]
    assert len(found) == 0 and not found.exhaustive
