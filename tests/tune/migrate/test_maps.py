"""Fits on made relations: what they must find is known beforehand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievo.encode.space_map import SpaceMap
from retrievo.tune.migrate.maps import (
    Fitting,
    linear_map,
    low_rank,
    old_turn,
    procrustes,
    relative,
    ridge,
    whitened,
)
from retrievo.tune.migrate.paired import UnitPairs
from retrievo.tune.migrate.residual import _forward, _gradients, fit_residual


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def made(n, dim, *, seed=1, spread=0.9):
    return np.random.default_rng(seed).normal(size=(n, dim)) * spread ** np.arange(dim)


def turn(dim, seed=2):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


def centred(rows):
    return rows - rows.mean(axis=0)


def all_documents(new, old):
    """The pairs as documents alone; the first is a query as well."""
    pairs = UnitPairs(old, new, old[:1], new[:1], np.zeros(1, np.int64))
    return Fitting(pairs, np.arange(len(new)))


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_procrustes_recovers_a_rotation_and_a_shift(dim, seed):
    x, rotation = made(60, dim, seed=seed), turn(dim, seed)
    shift = np.random.default_rng(seed).normal(size=dim)
    y = x @ rotation + shift
    np.testing.assert_allclose(procrustes(centred(x), centred(y)), rotation, atol=1e-8)
    fitting = all_documents(x, y)
    matrix = procrustes(fitting.x, fitting.y)
    np.testing.assert_allclose(x @ matrix + fitting.bias_of(matrix, "full"), y, atol=1e-7)


@pytest.mark.parametrize(("dim_in", "dim_out"), [(9, 5), (5, 9)])
def test_procrustes_between_sizes_is_the_best_of_the_orthonormal_matrices(dim_in, dim_out):
    x, y = centred(made(80, dim_in)), centred(made(80, dim_out, seed=3))
    best = procrustes(x, y)
    small = best.T @ best if dim_out < dim_in else best @ best.T
    np.testing.assert_allclose(small, np.eye(min(dim_in, dim_out)), atol=1e-10)
    reached = np.trace(best.T @ x.T @ y)
    for seed in range(20):
        other = turn(max(dim_in, dim_out), seed)[:dim_in, :dim_out]
        assert np.trace(other.T @ x.T @ y) < reached


def test_ridge_solves_its_normal_equations():
    x, y = centred(made(50, 7)), centred(made(50, 4, seed=3))
    spread = np.trace(x.T @ x) / 7
    want = np.linalg.solve(x.T @ x + 0.3 * spread * np.eye(7), x.T @ y)
    np.testing.assert_allclose(ridge(x, y, penalty=0.3), want, atol=1e-12)


def test_low_rank_is_the_ridge_solution_with_its_outputs_truncated():
    x, y = centred(made(50, 7)), centred(made(50, 6, seed=3))
    lam = 0.3 * np.trace(x.T @ x) / 7
    full = ridge(x, y, penalty=0.3)
    assert np.allclose(low_rank(x, y, penalty=0.3, rank=6), full)
    # The penalty as seven more rows makes it least squares, whose outputs an SVD truncates best.
    longer = np.concatenate([x, np.sqrt(lam) * np.eye(7)])
    left, values, right = np.linalg.svd(longer @ full, full_matrices=False)
    for rank in (1, 3):
        matrix = low_rank(x, y, penalty=0.3, rank=rank)
        want = (left[:, :rank] * values[:rank]) @ right[:rank]
        np.testing.assert_allclose(longer @ matrix, want, atol=1e-9)
        assert np.linalg.matrix_rank(matrix) == rank


def test_whitened_without_powers_is_procrustes_and_with_those_of_least_squares_that():
    x, y = centred(made(300, 8)), centred(made(300, 6, seed=3) + made(300, 6))
    np.testing.assert_allclose(whitened(x, y, new=0, old=0, weight=0), procrustes(x, y), atol=1e-10)
    least = whitened(x, y, new=0.5, old=0, weight=1)
    want = np.linalg.lstsq(x, y, rcond=None)[0]
    # Up to a factor, and to the floor under the variances.
    cosine = np.vdot(least, want) / np.linalg.norm(least) / np.linalg.norm(want)
    assert cosine > 0.999


def test_whitened_finds_narrow_directions_that_procrustes_loses():
    # One wide direction that says nothing, in both spaces; narrow ones that are alike, turned.
    rng = np.random.default_rng(0)
    common = rng.normal(size=(400, 10))
    x = np.column_stack([rng.normal(size=400) * 8, common])
    y = np.column_stack([rng.normal(size=400) * 8, common @ turn(10)])
    x, y = centred(x), centred(y)

    def hits(matrix):
        scores = unit(x @ matrix) @ unit(y).T
        return np.mean(scores.argmax(axis=1) == np.arange(400))

    better = hits(whitened(x, y, new=0.35, old=0.35, weight=1.0))
    assert better > 1.5 * hits(procrustes(x, y))


def test_constant_dimensions_and_no_variance_give_finite_maps():
    x, y = made(30, 5), made(30, 4, seed=3)
    x[:, 2], y[:, 1] = 0.5, 0.25
    for a, b in ((x, y), (np.ones((30, 5)), np.ones((30, 4)))):
        fitting = all_documents(a, b)
        for matrix in (
            procrustes(fitting.x, fitting.y),
            ridge(fitting.x, fitting.y, penalty=0.1),
            low_rank(fitting.x, fitting.y, penalty=0.1, rank=2),
            whitened(fitting.x, fitting.y, new=0.25, old=0.35, weight=0.5),
            old_turn(b),
        ):
            assert np.isfinite(matrix).all()
        for shift in ("none", "query", "full"):
            assert np.isfinite(fitting.bias_of(ridge(fitting.x, fitting.y, penalty=1), shift)).all()


def test_what_a_shift_brings_where():
    x, rotation = made(80, 5) + 0.5, turn(5)
    y, asked = 2 * x @ rotation + 1.0, made(30, 5, seed=6) - 0.5
    pairs = UnitPairs(y, x, asked @ rotation, asked, np.arange(30))
    fitting = Fitting(pairs, np.arange(50))
    assert len(fitting.x) == 50 and np.allclose(fitting.x.mean(axis=0), 0)
    assert not fitting.bias_of(rotation, "none").any()
    from_query = asked.mean(axis=0) @ rotation + fitting.bias_of(rotation, "query")
    np.testing.assert_allclose(from_query, 0, atol=1e-12)
    # y is twice as long as the rotation makes x: the bias is told at the rotation's own length.
    moved = x @ rotation + fitting.bias_of(rotation, "full")
    np.testing.assert_allclose(moved, y / 2, atol=1e-12)


def test_relative_representations_do_not_change_with_a_rotation_and_a_scale():
    rows, rotation = made(40, 6), turn(6)
    here = relative(rows, rows[:10], rows.mean(axis=0))
    moved = rows @ rotation * 3.0
    np.testing.assert_allclose(relative(moved, moved[:10], moved.mean(axis=0)), here, atol=1e-5)
    assert here.shape == (40, 10) and np.allclose(np.diag(here), 1.0, atol=1e-5)
    skewed = rows @ np.diag([5, 1, 1, 1, 1, 1])
    assert np.abs(relative(skewed, skewed[:10], skewed.mean(axis=0)) - here).max() > 0.1


def test_a_linear_map_has_the_length_of_unit_vectors_and_the_direction_of_its_fit():
    matrix, bias = made(6, 4, seed=8) * 1e-7, made(1, 4, seed=9)[0] * 1e-7
    one, rows = linear_map("ridge", matrix, bias, {"penalty": 1.0}), unit(made(5, 6))
    assert np.linalg.norm(one.matrix) == pytest.approx(2.0, rel=1e-5)
    np.testing.assert_allclose(
        one.apply(rows.astype(np.float32)), unit(rows @ matrix + bias), atol=1e-5
    )
    assert dict(one.told) == {"penalty": 1.0}


def bent(n, seed=4):
    """Unit rows and a relation that no linear map follows."""
    x = unit(np.random.default_rng(seed).normal(size=(n, 8)))
    return x, unit(np.column_stack([x[:, :4], 2 * np.abs(x[:, 4:]) * np.sign(x[:, :4])]))


def linear_of(x, y):
    fitting = all_documents(x, y)
    matrix = ridge(fitting.x, fitting.y, penalty=0.01)
    return linear_map("ridge", matrix, fitting.bias_of(matrix, "full"), {"penalty": 0.01})


def cosine(space_map, x, y):
    return np.mean(np.sum(space_map.apply(x.astype(np.float32)) * y, axis=1))


def test_the_mlp_follows_a_bent_relation_better_than_a_line_and_is_repeatable():
    x, y = bent(2000)
    new_x, new_y = bent(500, seed=5)
    line = linear_of(x, y)
    one = fit_residual(line, x, y, seed=1)
    assert cosine(one, new_x, new_y) > cosine(line, new_x, new_y) + 0.03
    assert one.kind == "mlp" and one.told["epochs"] > 0
    assert one.told["cosine"] > one.told["cosine before"]
    assert fit_residual(line, x, y, seed=1).fingerprint == one.fingerprint
    assert fit_residual(line, x, y, seed=2).fingerprint != one.fingerprint


def test_the_mlp_stays_the_line_where_there_is_nothing_to_correct():
    rng = np.random.default_rng(0)
    x = unit(rng.normal(size=(200, 8)))
    line = SpaceMap("ridge", np.eye(8, dtype=np.float32), np.zeros(8, np.float32))
    one = fit_residual(line, x, x)
    assert one.told["epochs"] == 0 and not one.output.any()
    rows = x.astype(np.float32)
    np.testing.assert_allclose(one.apply(rows), line.apply(rows), atol=1e-6)


def test_the_gradients_of_the_mlp_are_those_of_its_loss():
    rng = np.random.default_rng(0)
    x, y, linear = unit(made(9, 5)), unit(made(9, 4, seed=3)), made(9, 4, seed=4)
    weights = {
        "hidden": rng.normal(size=(5, 3)),
        "hidden_bias": rng.normal(size=3),
        "output": rng.normal(size=(3, 4)),
    }

    def loss():
        return np.mean(1 - np.sum(unit(_forward(weights, x, linear)[1]) * y, axis=1))

    for name, gradient in _gradients(weights, x, y, linear).items():
        for place in np.ndindex(weights[name].shape):
            kept = weights[name][place]
            weights[name][place] = kept + 1e-6
            above = loss()
            weights[name][place] = kept - 1e-6
            slope = (above - loss()) / 2e-6
            weights[name][place] = kept
            assert slope == pytest.approx(gradient[place], abs=1e-7)
