import numpy as np
import pytest

from retrievo.store.memory import exact
from retrievo.types import MultiRows

RANDOM = np.random.default_rng(0)


def multi(parts, dim):
    bounds = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    return MultiRows(bounds, np.concatenate([np.empty((0, dim)), *parts]).astype(np.float32))


@pytest.mark.parametrize("bytes_at_once", [1, 500, 2**20])
def test_max_sim_is_the_double_loop(monkeypatch, bytes_at_once):
    monkeypatch.setattr(exact, "BYTES_AT_ONCE", bytes_at_once)
    sizes = [3, 0, 1, 7, 0, 0, 12, 2, 0]
    rows = multi([RANDOM.normal(size=(size, 5)) for size in sizes], 5)
    query = RANDOM.normal(size=(4, 5)).astype(np.float32)
    scores = exact.max_sim(rows, query)
    for i, size in enumerate(sizes):
        if not size:
            assert scores[i] == -np.inf
            continue
        by_hand = sum(max(float(np.dot(q, v)) for v in rows[i]) for q in query)
        assert scores[i] == pytest.approx(by_hand, abs=1e-5)


def test_max_sim_by_hand():
    rows = multi([[[1, 0], [0, 2]], [[-1, -1]]], 2)
    # (1, 0): max(1, 0) and -1; (1, 1): max(1, 2) and -2.
    assert exact.max_sim(rows, np.array([[1, 0], [1, 1]], np.float32)).tolist() == [3.0, -3.0]


def test_a_query_without_vectors_asks_for_nothing():
    rows = multi([[[1, 0]], np.empty((0, 2))], 2)
    assert exact.max_sim(rows, np.empty((0, 2), np.float32)).tolist() == [0.0, -np.inf]


def test_exact_scores_are_those_of_float64_rounded_once():
    vectors = RANDOM.normal(size=(300, 129)).astype(np.float32)
    query = RANDOM.normal(size=129).astype(np.float32)
    scores = exact.exact_scores(vectors, np.arange(300), query)
    wide = [sum(float(a) * float(b) for a, b in zip(v, query, strict=True)) for v in vectors]
    assert np.abs(scores - np.array(wide)).max() <= 2**-23 * np.abs(wide).max()


def test_an_exact_score_depends_on_nothing_else(monkeypatch):
    vectors = RANDOM.normal(size=(997, 37)).astype(np.float32)
    query = RANDOM.normal(size=37).astype(np.float32)
    all_at_once = exact.exact_scores(vectors, np.arange(997), query)
    monkeypatch.setattr(exact, "BYTES_AT_ONCE", 37 * 8 * 10)
    for place in (0, 5, 996):
        assert exact.exact_scores(vectors, np.array([place]), query)[0] == all_at_once[place]
    assert (exact.exact_scores(vectors, np.arange(997), query) == all_at_once).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e6])
def test_a_scan_errs_less_than_the_margin(scale):
    vectors = (scale * RANDOM.normal(size=(500, 200))).astype(np.float32)
    queries = RANDOM.normal(size=(7, 200)).astype(np.float32)
    margins = exact.margins(exact.longest(vectors), queries)
    for scores, query, margin in zip(exact.scans(vectors, queries), queries, margins, strict=True):
        true = vectors.astype(float) @ query.astype(float)
        assert np.abs(scores - true).max() <= margin


def test_scans_of_many_queries_stay_small(monkeypatch):
    vectors = RANDOM.normal(size=(1000, 4)).astype(np.float32)
    queries = RANDOM.normal(size=(50, 4)).astype(np.float32)
    monkeypatch.setattr(exact, "BYTES_AT_ONCE", 3 * 4 * 1000)
    parts = list(exact.scans(vectors, queries))
    assert {part.base.nbytes for part in parts} <= {3 * 4 * 1000, 2 * 4 * 1000}
    assert np.allclose(np.stack(parts), queries @ vectors.T, atol=1e-5)


def test_contenders_are_all_that_may_be_among_the_best():
    scores = np.array([5, 1, 3, 3, 3, 2], np.float32)
    assert exact.contenders(scores, 2, 0.0, None).tolist() == [0, 2, 3, 4]
    assert exact.contenders(scores, 2, 0.5, None).tolist() == [0, 2, 3, 4, 5]
    assert exact.contenders(scores, 1, 0.0, np.array([1, 3, 4])).tolist() == [3, 4]
    assert exact.contenders(scores, 9, 0.0, None).tolist() == [0, 1, 2, 3, 4, 5]
    assert len(exact.contenders(scores, 0, 0.0, None)) == 0


def test_contenders_keep_what_cannot_be_compared():
    scores = np.array([np.nan, np.inf, -np.inf, 0, 1], np.float32)
    assert set(exact.contenders(scores, 2, 0.1, None).tolist()) >= {0, 1}


def test_the_likeliest_are_as_many_as_asked_for():
    scores = np.array([5, 1, 3, 3, 3, 2], np.float32)
    assert sorted(exact.likeliest(scores, 2, None).tolist()) == [0, 2]
    assert sorted(exact.likeliest(scores, 2, np.array([1, 3, 4, 5])).tolist()) == [3, 4]
    assert len(exact.likeliest(scores, 0, None)) == 0
    assert exact.likeliest(scores, 99, None).tolist() == list(range(6))
