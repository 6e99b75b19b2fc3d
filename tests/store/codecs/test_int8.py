import numpy as np
import pytest

from retrievo.store.codecs.int8 import WIDEST, Int8Codec
from retrievo.store.codecs.pca import PcaInt8Codec

RANDOM = np.random.default_rng(0)


def test_codes_by_hand():
    made = Int8Codec.fit(np.array([[-1.0, 5], [3.0, 5]], np.float32))
    # Centres 1 and 5; the first reaches 2 to both sides, the second is constant.
    assert made.centre.tolist() == [1, 5] and made.step[0] == pytest.approx(2 / 127)
    codes = made.encode(np.array([[-1, 5], [3, 5], [1, 5], [2, 5], [99, 5]], np.float32))
    assert codes.tolist() == [[-127, 0], [127, 0], [0, 0], [64, 0], [127, 0]]
    assert made.decode(codes)[:3].tolist() == [[-1, 5], [3, 5], [1, 5]]


def test_within_the_sample_a_number_is_off_by_half_a_step():
    # Dimensions of very different widths, as encoders have them.
    vectors = (RANDOM.normal(size=(2000, 50)) * np.geomspace(1e-4, 1e4, 50)).astype(np.float32)
    made = Int8Codec.fit(vectors)
    off = np.abs(made.decode(made.encode(vectors)) - vectors)
    assert (off <= made.step * 0.5001).all()
    assert (made.step <= WIDEST * vectors.std(axis=0) / 127 * 1.01).all()


def test_one_value_far_out_leaves_levels_to_the_others():
    vectors = RANDOM.normal(size=(5000, 4)).astype(np.float32)
    vectors[7, 2] = 1e6
    made = Int8Codec.fit(vectors)
    alone = Int8Codec.fit(np.delete(vectors, 7, axis=0))
    # 5,000 values of which one is 1e6 have a standard deviation of 1e6 / sqrt(5000).
    assert made.step[2] == pytest.approx(WIDEST * 1e6 / np.sqrt(5000) / 127, rel=0.01)
    assert made.encode(vectors)[7, 2] == 127
    assert np.allclose(np.delete(made.step, 2), np.delete(alone.step, 2), rtol=0.2)


def test_scores_are_those_of_the_decoded_vectors():
    vectors = RANDOM.normal(size=(1500, 20)).astype(np.float32)
    made = Int8Codec.fit(vectors)
    codes = made.encode(vectors)
    queries = RANDOM.normal(size=(3, 20)).astype(np.float32)
    assert np.allclose(made.scores(queries, codes), queries @ made.decode(codes).T, atol=1e-4)


def test_principal_axes_keep_what_lies_in_few_directions():
    flat = RANDOM.normal(size=(500, 4)) @ RANDOM.normal(size=(4, 30)) + 7
    vectors = flat.astype(np.float32)
    made = PcaInt8Codec.fit(vectors)
    assert made.bytes_a_vector == 10
    assert np.allclose(made.axes.T @ made.axes, np.eye(10), atol=1e-5)
    queries = RANDOM.normal(size=(5, 30)).astype(np.float32)
    exact = queries @ vectors.T
    off = np.abs(made.scores(queries, made.encode(vectors)) - exact)
    assert off.max() < 0.02 * exact.std()
    assert PcaInt8Codec.fit(vectors, dims=3).bytes_a_vector == 3
