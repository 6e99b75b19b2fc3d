"""RaBitQ, the residual codes, ITQ, and the rotations that they stand on."""

import numpy as np
import pytest
from dense_batches import clustered

from retrievo.store.codecs import itq as itq_file
from retrievo.store.codecs.binary import BinaryCodec
from retrievo.store.codecs.itq import ItqCodec
from retrievo.store.codecs.rabitq import RabitqCodec
from retrievo.store.codecs.residual import ResidualCodec
from retrievo.store.codecs.rotation import Rotation

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("dim", [1, 2, 65, 1030, 1500])
def test_rotations_keep_lengths_and_angles(dim):
    vectors = RANDOM.normal(size=(9, dim)).astype(np.float32)
    turned = Rotation.random(dim, 3).apply(vectors)
    assert np.allclose(turned @ turned.T, vectors @ vectors.T, atol=1e-4 * dim)
    assert (turned == Rotation.random(dim, 3).apply(vectors)).all()


@pytest.mark.parametrize("dim", [64, 1500])
def test_rotations_spread_a_single_number(dim):
    one = np.zeros((1, dim), np.float32)
    one[0, 5] = 1
    turned = Rotation.random(dim).apply(one)[0]
    # A number of a vector evenly drawn from the sphere is as good as never beyond 6 / sqrt(dim).
    assert np.abs(turned).max() < 6 / np.sqrt(dim)


@pytest.mark.parametrize("kind", [RabitqCodec, ResidualCodec])
def test_estimates_are_unbiased_over_rotations(kind):
    """The mean error of n rotations lies within 5 standard errors of 0, for 24 pairs at once."""
    vectors = RANDOM.normal(size=(6, 32)).astype(np.float32) * [[1], [2], [0.1], [1], [1], [5]]
    vectors = vectors.astype(np.float32)
    queries = np.concatenate([vectors[:2] * 0.7, RANDOM.normal(size=(2, 32))]).astype(np.float32)
    exact = queries @ vectors.T
    off = []
    for seed in range(400):
        made = kind.fit(vectors, seed=seed)
        off.append(made.scores(queries, made.encode(vectors)) - exact)
    errors = np.stack(off).astype(float)
    standard = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    assert (np.abs(errors.mean(axis=0)) <= 5 * standard).all()


def test_the_estimates_error_is_that_of_the_paper():
    """Theorem 3.2: the error of cos is near sqrt((1 - a^2) / a^2 / (dim - 1)), a = <code, x>."""
    dim = 256
    vectors = RANDOM.normal(size=(400, dim))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    made = RabitqCodec(np.zeros(dim, np.float32), Rotation.random(dim))
    queries = vectors[:50]
    errors = made.scores(queries, made.encode(vectors)) - queries @ vectors.T
    apart = ~np.eye(50, 400, dtype=bool)
    along = 0.8  # of random vectors, sqrt(2 / pi)
    expected = np.sqrt((1 - along**2) / along**2 / (dim - 1))
    assert errors[apart].std() == pytest.approx(expected, rel=0.1)


def test_two_bits_err_less_than_one():
    vectors = clustered(2000, 64)
    exact = vectors[:40] @ vectors.T
    errors = {}
    for kind in (RabitqCodec, ResidualCodec):
        made = kind.fit(vectors)
        errors[kind] = (made.scores(vectors[:40], made.encode(vectors)) - exact).std()
    # Of normal numbers one bit keeps 1 - 2 / pi of the square, four levels keep .1175 (Max 1960).
    assert errors[ResidualCodec] < 0.7 * errors[RabitqCodec]


def test_what_lies_in_the_centre_is_exact():
    vectors = np.array([[1, 2, 3], [3, 2, 1], [2, 2, 2]], np.float32)
    queries = RANDOM.normal(size=(2, 3)).astype(np.float32)
    for kind in (RabitqCodec, ResidualCodec):
        made = kind.fit(vectors)
        found = made.scores(queries, made.encode(vectors))[:, 2]
        assert np.allclose(found, queries @ vectors[2], atol=1e-5)


def test_the_axes_of_itq_are_orthonormal():
    made = ItqCodec.fit(clustered(600, 24))
    assert np.allclose(made.axes.T @ made.axes, np.eye(24), atol=1e-5)


def test_each_turn_of_itq_brings_signs_and_vectors_together(monkeypatch):
    vectors = clustered(2000, 24)
    vectors = vectors - vectors.mean(axis=0)
    losses = []
    for iterations in (0, 1, 5, 50):
        monkeypatch.setattr(itq_file, "ITERATIONS", iterations)
        flat = (vectors @ ItqCodec.fit(vectors).axes).astype(float)
        # The paper's loss, with the scale that its own vectors of unit numbers have.
        flat /= np.abs(flat).mean()
        losses.append(np.square(np.sign(flat) - flat).mean())
    assert losses == sorted(losses, reverse=True) and losses[3] < 0.9 * losses[0]


def test_binary_by_hand():
    made = BinaryCodec.fit(np.array([[0, 1], [4, 3]], np.float32))
    assert made.centre.tolist() == [2, 2] and made.spread.tolist() == [2, 1]
    codes = made.encode(np.array([[9, 0], [2, 5]], np.float32))
    assert codes.tolist() == [[0b10000000], [0b01000000]]
    # Near (4, 1) and (0, 3), with a query whose numbers times the spreads are 30 and 30.
    query = np.array([[15, 30]], np.float32)
    assert made.scores(query, codes).tolist() == [[60 + 30, 0 + 90]]
    signs = BinaryCodec.fit(np.array([[0, 1], [4, 3]], np.float32), float_query=False)
    agree = signs.scores(np.array([[5, 0], [0, 0]], np.float32), codes)
    assert (agree[0, 0] > agree[0, 1]) and agree[1, 0] == agree[1, 1]
    plain = BinaryCodec.fit(np.array([[1, -1]], np.float32), centred=False)
    assert plain.encode(np.array([[0.5, -3]], np.float32)).tolist() == [[0b10000000]]
