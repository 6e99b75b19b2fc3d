"""Heads on small arrays: expected values from plain algebra, written out."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from retrievo.encode.matryoshka.head_files import HEADS_FILE, Heads
from retrievo.encode.matryoshka.heads import Head, fit_pca, fit_ridge, unit
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning

RNG = np.random.default_rng(5)


def vectors(n, dim, *, spread=1.0, seed=5):
    rng = np.random.default_rng(seed)
    return unit((rng.normal(size=(n, dim)) * spread ** np.arange(dim)).astype(np.float32))


def test_slice_keeps_the_first_numbers_at_unit_length():
    made = Head("slice", 6).apply(np.array([[3.0, 4.0, 12.0]], np.float32), 2)
    np.testing.assert_allclose(made, [[0.6, 0.8]], atol=1e-7)
    raw = Head("slice", 6).apply(np.array([[3.0, 4.0, 12.0]], np.float32), 2, normalize=False)
    np.testing.assert_array_equal(raw, [[3.0, 4.0]])


def test_rows_have_length_1_at_any_magnitude_of_float32():
    rows = np.array([[3.0, 4.0]], np.float32) * np.array([[1e-30], [1], [1e30], [8e37]], np.float32)
    np.testing.assert_allclose(unit(rows), [[0.6, 0.8]] * 4, rtol=1e-6)
    assert unit(rows).dtype == np.float32 and not unit(rows * 0).any()


def test_pca_of_vectors_in_a_plane_needs_two_dimensions():
    plane = np.linalg.qr(RNG.normal(size=(12, 2)))[0].T
    rows = unit((RNG.normal(size=(50, 2)) @ plane).astype(np.float32))
    head = fit_pca(rows, layers=6)
    # Two numbers hold the whole of each vector, and all cosines with it.
    np.testing.assert_allclose(
        head.apply(rows, 2) @ head.apply(rows, 2).T, rows @ rows.T, atol=1e-5
    )


def test_pca_is_the_uncentred_svd_rotation():
    rows = vectors(200, 8, spread=0.8) + np.float32(0.3)  # far from centred
    head = fit_pca(rows, layers=6)
    right = np.linalg.svd(unit(rows))[2]
    np.testing.assert_allclose(np.abs(np.diag(right @ head.matrix)), 1.0, atol=1e-5)
    turned = head.apply(rows)
    np.testing.assert_allclose(turned @ turned.T, unit(rows) @ unit(rows).T, atol=1e-5)
    energy = (unit(rows) @ head.matrix) ** 2
    assert np.all(np.diff(energy.sum(axis=0)) <= 0)


def test_pca_keeps_the_asked_dimensions_and_no_more():
    head = fit_pca(vectors(60, 8), layers=6, dims=3)
    assert head.matrix.shape == (8, 3) and head.dim_out(8) == 3
    with pytest.raises(
        ConfigError, match="truncate_dim is 4; the pca head of layer 6 gives 1 to 3"
    ):
        head.apply(vectors(2, 8), 4)


def test_ridge_finds_an_affine_map():
    states = vectors(400, 6)
    weights = RNG.normal(size=(6, 6))
    targets = unit((states @ weights + [2.0, 0, 0, 0, 0, 1.0]).astype(np.float32))
    head = fit_ridge(states[:300], targets[:300], layers=3)
    made = head.apply(states[300:])
    assert np.einsum("nd,nd->n", made, targets[300:]).mean() > 0.98
    # Without the centring, no linear map of these unit vectors has this offset.
    bare, *_ = np.linalg.lstsq(states[:300], targets[:300], rcond=None)
    plain = unit((states[300:] @ bare).astype(np.float32))
    assert np.einsum("nd,nd->n", plain, targets[300:]).mean() < 0.9


def test_ridge_solves_its_normal_equations():
    states, targets = vectors(80, 5), vectors(80, 5, seed=6)
    head = fit_ridge(states, targets, layers=2)
    x = states.astype(float) - states.mean(axis=0, dtype=float)
    y = targets.astype(float) - targets.mean(axis=0, dtype=float)
    penalty = head.fitted_on["penalty"] * np.trace(x.T @ x) / 5
    want = np.linalg.solve(x.T @ x + penalty * np.eye(5), x.T @ y)
    np.testing.assert_allclose(head.matrix, want, atol=1e-5)
    assert head.fitted_on["texts"] == 80 and head.fitted_on["held out"] == 16


def test_ridge_takes_the_strongest_penalty_where_there_is_nothing_to_learn():
    head = fit_ridge(vectors(200, 30), vectors(200, 30, seed=9), layers=1)
    assert head.fitted_on["penalty"] == 3.0


def test_zero_rows_do_not_count_and_stay_zero():
    states, targets = vectors(60, 4), vectors(60, 4, seed=6)
    gaps = np.zeros((2, 4), np.float32)
    for fit, args in ((fit_pca, (states,)), (fit_ridge, (states, targets))):
        clean = fit(*args, layers=2)
        gappy = fit(*(np.concatenate([one, gaps]) for one in args), layers=2)
        np.testing.assert_array_equal(gappy.matrix, clean.matrix)
        assert gappy.fitted_on["left out"] == 2
        made = gappy.apply(np.concatenate([gaps, states]))
        assert not made[:2].any()
        np.testing.assert_allclose(np.linalg.norm(made[2:], axis=1), 1.0, atol=1e-6)


def test_a_row_that_is_zero_on_one_side_is_left_out_of_a_ridge():
    states, targets = vectors(60, 4), vectors(60, 4, seed=6)
    targets[7] = 0
    kept = np.delete(np.arange(60), 7)
    one, other = (
        fit_ridge(states, targets, layers=2),
        fit_ridge(states[kept], targets[kept], layers=2),
    )
    np.testing.assert_array_equal(one.matrix, other.matrix)


def test_a_number_that_is_not_finite_is_refused_with_its_row():
    bad = vectors(60, 4)
    bad[[11, 30], 2] = np.nan, np.inf
    with pytest.raises(EncoderError, match=r"2 of 60 vectors for the pca head .* first in row 11"):
        fit_pca(bad, layers=2)
    with pytest.raises(EncoderError, match="2 of 60 vectors for the ridge head"):
        fit_ridge(vectors(60, 4), bad, layers=2)


def test_constant_dimensions_and_equal_texts_give_finite_maps():
    states = vectors(60, 6)
    states[:, 2] = 0.0
    states[:, 4] = 0.1
    for head in (fit_pca(states, layers=2), fit_ridge(states, states, layers=2)):
        assert np.isfinite(head.matrix).all()
        assert np.einsum("nd,nd->n", head.apply(states), head.apply(states)).min() > 0.999
    same = np.repeat(vectors(1, 6), 30, axis=0)
    np.testing.assert_allclose(fit_ridge(same, same, layers=2).apply(same), same, atol=1e-6)


def test_few_texts_are_told_and_fewer_are_refused():
    with pytest.warns(RetrievoWarning, match="pca head is fitted on 30 texts, fewer than the 40"):
        fit_pca(vectors(30, 40), layers=2)
    with pytest.raises(ConfigError, match="a ridge head is fitted on 19 texts"):
        fit_ridge(vectors(19, 4), vectors(19, 4), layers=2)


def test_misuse_says_what_fits():
    head = fit_ridge(vectors(60, 4), vectors(60, 4, seed=6), layers=2)
    with pytest.raises(
        ConfigError, match="truncate_dim is 2; the ridge head of layer 2 gives all 4"
    ):
        head.apply(vectors(1, 4), 2)
    with pytest.raises(EncoderError, match=r"fitted on vectors of 4 dimensions.*\(1, 5\)"):
        head.apply(vectors(1, 5))
    with pytest.raises(EncoderError, match="60 states and 59 targets"):
        fit_ridge(vectors(60, 4), vectors(59, 4), layers=2)


@pytest.fixture
def heads():
    pca = fit_pca(vectors(60, 4), layers=6, dims=3)
    ridge = fit_ridge(vectors(60, 4), vectors(60, 4, seed=6), layers=2)
    return Heads("tiny", "f00d", 6, 4, (pca, ridge))


def test_a_folder_gives_back_what_was_saved(heads, tmp_path):
    heads.save(tmp_path / "new" / "heads")
    again = Heads.load(tmp_path / "new" / "heads")
    assert (again.model, again.fingerprint, again.layers, again.dim) == ("tiny", "f00d", 6, 4)
    for kind, depth in (("pca", None), ("ridge", 2)):
        one, other = heads.head(kind, depth), again.head(kind, depth)
        assert one.fingerprint == other.fingerprint and one.fitted_on == other.fitted_on
        np.testing.assert_array_equal(one.apply(vectors(3, 4)), other.apply(vectors(3, 4)))
    assert [path.name for path in (tmp_path / "new" / "heads").iterdir()] == [HEADS_FILE]


def test_a_fingerprint_changes_with_any_number(heads):
    pca = heads.head("pca")
    other = Head("pca", 6, pca.matrix + np.float32(1e-6))
    assert len({pca.fingerprint, other.fingerprint, Head("slice", 6).fingerprint}) == 3


def test_heads_that_are_not_there_are_named(heads):
    with pytest.raises(ConfigError, match=r"no ridge head at 3 layers.*pca at 6, ridge at 2"):
        heads.head("ridge", 3)
    assert heads.head("slice", 3).kind == "slice"
    heads.check("f00d", "tiny")
    with pytest.raises(ConfigError, match="fitted for tiny as f00d, this encoder is other as beef"):
        heads.check("beef", "other")


def test_a_file_that_cannot_be_used_is_refused(heads, tmp_path):
    path = tmp_path / HEADS_FILE
    with pytest.raises(ConfigError, match="there are no heads at"):
        Heads.load(tmp_path)
    heads.save(tmp_path)
    whole = path.read_bytes()
    for damaged in (b"", b"not at all", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ConfigError, match="cannot be read"):
            Heads.load(tmp_path)
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(ConfigError, match="is of the format None, 'retrievo-heads-1' is wanted"):
        Heads.load(tmp_path)
    save_file({"a": np.zeros(3)}, path, {"format": "retrievo-heads-1", "header": '{"model": 1}'})
    with pytest.raises(ConfigError, match="damaged header"):
        Heads.load(tmp_path)


def test_numbers_that_cannot_be_heads_are_refused(heads, tmp_path):
    ridge = heads.head("ridge", 2)
    holes = ridge.matrix.copy()
    holes[1, 1] = np.nan
    for wrong, why in (
        (Head("ridge", 2, holes, ridge.mean_in, ridge.mean_out), "not finite"),
        (Head("ridge", 2, ridge.matrix, ridge.mean_in, None), "wrong means"),
        (Head("pca", 2, ridge.matrix, ridge.mean_in, None), "wrong means"),
        (Head("pca", 2, np.eye(5, dtype=np.float32)), r"the matrix \(5, 5\)"),
        (Head("pca", 2, np.eye(4, dtype=np.float32) * 2), "columns of the matrix do not have len"),
        (
            Head("ridge", 2, ridge.matrix, ridge.mean_in + np.float32(1e30), ridge.mean_out),
            r"the mean_in holds 1e\+30, more than the 1e\+09",
        ),
        (
            Head("ridge", 2, ridge.matrix * 0, ridge.mean_in, ridge.mean_out * 0),
            "the map is zero throughout",
        ),
    ):
        Heads("tiny", "f00d", 6, 4, (wrong,)).save(tmp_path)
        with pytest.raises(ConfigError, match=f"is damaged: .*{why}"):
            Heads.load(tmp_path)


def test_a_file_in_a_format_that_numpy_has_not_is_refused(heads, tmp_path):
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    from safetensors import safe_open
    from safetensors.torch import load_file
    from safetensors.torch import save_file as save_torch

    heads.save(tmp_path)
    path = tmp_path / HEADS_FILE
    with safe_open(path, framework="np") as file:
        told = file.metadata()
    for dtype in (torch.bfloat16, torch.float8_e4m3fn):
        parts = {name: part.to(dtype) for name, part in load_file(path).items()}
        save_torch(parts, path, told)
        with pytest.raises(ConfigError, match=r"float32.*retrievo calibrate"):
            Heads.load(tmp_path)
