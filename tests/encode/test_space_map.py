"""Maps between spaces in use: expected vectors from plain algebra, files damaged by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from retrievo.encode.space_map import MAP_FILE, SpaceMap
from retrievo.errors import ConfigError, EncoderError


def numbers(*shape, seed=3):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def a_map(dim_in=6, dim_out=4, **more):
    return SpaceMap("ridge", numbers(dim_in, dim_out), numbers(dim_out, seed=4), **more)


def an_mlp():
    return SpaceMap(
        "mlp",
        numbers(6, 4),
        numbers(4, seed=4),
        hidden=numbers(6, 5, seed=5),
        hidden_bias=numbers(5, seed=6),
        output=numbers(5, 4, seed=7),
        told={"epochs": 3},
    )


def unit_rows(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("n", [1, 5])
def test_a_linear_map_is_matrix_and_bias_on_unit_vectors(n):
    one, rows = a_map(), numbers(n, 6, seed=8)
    want = unit_rows(unit_rows(rows) @ one.matrix + one.bias)
    made = one.apply(rows)
    assert made.dtype == np.float32 and (one.dim_in, one.dim_out) == (6, 4)
    np.testing.assert_allclose(made, want, atol=1e-6)


@pytest.mark.parametrize("n", [1, 5])
def test_an_mlp_adds_one_hidden_layer(n):
    one, rows = an_mlp(), numbers(n, 6, seed=8)
    x = unit_rows(rows)
    want = x @ one.matrix + one.bias + np.tanh(x @ one.hidden + one.hidden_bias) @ one.output
    np.testing.assert_allclose(one.apply(rows), unit_rows(want), atol=1e-6)


@given(st.integers(1, 6), st.floats(1e-3, 1e3), st.sampled_from([a_map, an_mlp]))
def test_only_directions_count_and_rows_do_not_touch_one_another(n, length, make):
    one, rows = make(), numbers(n, 6, seed=n)
    made = one.apply(rows * np.float32(length))
    np.testing.assert_allclose(made, one.apply(rows), atol=1e-5)
    np.testing.assert_allclose(made, np.concatenate([one.apply(r[None]) for r in rows]), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("make", [a_map, an_mlp])
def test_a_zero_row_stays_zero_and_no_rows_give_none(make):
    rows = numbers(3, 6)
    rows[1] = 0
    made = make().apply(rows)
    assert not made[1].any() and made[0].any() and made[2].any()
    assert not make().apply(rows[1:2]).any()
    assert make().apply(np.empty((0, 6), np.float32)).shape == (0, 4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_refused_with_its_row(bad):
    rows = numbers(3, 6)
    rows[2, 1] = bad
    with pytest.raises(EncoderError, match=r"row 2 of 3 .* encode this text again") as found:
        a_map().apply(rows)
    assert found.value.texts == (2,)
    with pytest.raises(EncoderError, match="row 0 of 1"):
        a_map().apply(rows[2:])


def test_vectors_of_another_size_are_refused():
    with pytest.raises(EncoderError, match=r"takes vectors of 6 dimensions.*\(2, 5\)"):
        a_map().apply(numbers(2, 5))
    with pytest.raises(EncoderError, match="takes vectors of 6"):
        a_map().apply(numbers(6))


def test_joined_with_the_old_vectors_both_count_alike():
    one = a_map(old=numbers(4, 4, seed=9))
    mapped, old = one.apply(numbers(3, 6)), numbers(3, 4, seed=10)
    want = unit_rows(mapped + unit_rows(old @ one.old))
    np.testing.assert_allclose(one.join(mapped, old), want, atol=1e-6)
    with pytest.raises(ConfigError, match="stand alone"):
        a_map().join(mapped, old)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"bias": numbers(3)}, "shapes"),
        ({"hidden": numbers(6, 2)}, "shapes"),
        ({"old": numbers(4, 3)}, "shapes"),
        ({"matrix": numbers(6)}, r"matrix has the shape \(6,\)"),
        ({"matrix": np.full((6, 4), np.nan, np.float32)}, "matrix is not finite"),
        ({"matrix": np.ones((6, 4))}, "matrix is not finite float32"),
        ({"matrix": np.zeros((6, 4), np.float32), "bias": np.zeros(4, np.float32)}, "zero"),
        ({"kind": "mlp"}, "shapes"),
        ({"kind": "slice"}, "kind is 'slice'"),
    ],
)
def test_parts_that_make_no_map_are_refused(parts, message):
    whole = {"kind": "ridge", "matrix": numbers(6, 4), "bias": numbers(4), **parts}
    with pytest.raises(ConfigError, match=message):
        SpaceMap(**whole)


@pytest.mark.parametrize("make", [an_mlp, lambda: a_map(old=numbers(4, 4), told={"rank": 3})])
def test_a_saved_map_is_the_same_when_loaded(tmp_path, make):
    one = make()
    SpaceMap("procrustes", numbers(2, 3), numbers(3)).save(tmp_path / "deep" / "folder")
    path = one.save(tmp_path / "deep" / "folder")  # in the place of the one before
    other = SpaceMap.load(path.parent)
    assert other.fingerprint == one.fingerprint and other.told == one.told
    assert other.kind == one.kind
    np.testing.assert_array_equal(other.apply(numbers(3, 6)), one.apply(numbers(3, 6)))
    assert [found.name for found in path.parent.iterdir()] == [MAP_FILE]


def test_the_fingerprint_changes_with_any_part():
    one = a_map()
    bias = one.bias.copy()
    bias[0] += np.float32(1e-6)
    others = [
        SpaceMap("low-rank", one.matrix, one.bias),
        SpaceMap("ridge", one.matrix, bias),
        SpaceMap("ridge", one.matrix, one.bias, old=numbers(4, 4)),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert SpaceMap("ridge", one.matrix, one.bias, told={"a": 1}).fingerprint == one.fingerprint


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    one = a_map()
    one.save(tmp_path)

    def full(*_, **__):
        raise OSError("no space left on device")

    monkeypatch.setattr("retrievo.encode.tensor_file.save", full)
    with pytest.raises(OSError, match="no space"):
        an_mlp().save(tmp_path)
    assert SpaceMap.load(tmp_path).fingerprint == one.fingerprint


def rewritten(path, **changes):
    header = json.dumps({"kind": "ridge", "told": {}})
    tensors = {"matrix": numbers(6, 4), "bias": numbers(4)} | changes.pop("tensors", {})
    tensors = {name: part for name, part in tensors.items() if part is not None}
    save_file(tensors, path, {"format": "retrievo-space-map-1", "header": header} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "retrievo-heads-1"}, "format 'retrievo-heads-1'"),
        ({"header": "{"}, "damaged header"),
        ({"header": json.dumps({"kind": "slice", "told": {}})}, "damaged header"),
        ({"tensors": {"bias": None}}, r"\['bias'\]"),
        ({"tensors": {"more": numbers(2)}}, r"\['more'\]"),
        ({"tensors": {"bias": numbers(5)}}, "is damaged.*shapes"),
        ({"tensors": {"bias": np.full(4, np.inf, np.float32)}}, "is damaged.*not finite"),
        ({"tensors": {"bias": np.ones(4)}}, "is damaged.*not finite float32"),
    ],
)
def test_a_foreign_or_damaged_file_is_refused(tmp_path, changes, message):
    rewritten(tmp_path / MAP_FILE)
    assert SpaceMap.load(tmp_path).dim_out == 4  # as it is without the change
    rewritten(tmp_path / MAP_FILE, **changes)
    with pytest.raises(ConfigError, match=message) as found:
        SpaceMap.load(tmp_path)
    assert "fit the map again" in str(found.value)


def test_a_file_that_is_cut_or_missing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no map at"):
        SpaceMap.load(tmp_path)
    path = a_map().save(tmp_path)
    assert set(load_file(path)) == {"matrix", "bias"}
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ConfigError, match="cannot be read"):
        SpaceMap.load(tmp_path)
