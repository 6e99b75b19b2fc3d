import numpy as np
import pytest

from retrievo.store.codecs import bits

RANDOM = np.random.default_rng(0)


def test_signs_by_hand():
    packed = bits.pack(np.array([[1.0, -1.0, 0.0, 2.0], [-1, -1, -1, -1]]))
    assert packed.tolist() == [[0b10010000], [0]]
    # 15 is 15 of 15, -15 and 1 and -3 are odd: all four are kept as they are.
    query = np.array([[15, -15, 1, -3]], np.float32)
    assert bits.sign_products(query, packed).tolist() == [[15 + 15 - 1 - 3, -15 + 15 - 1 + 3]]


@pytest.mark.parametrize("dim", [1, 3, 8, 9, 63, 64, 65, 384, 5000])
@pytest.mark.parametrize("behind", [0, 3, 8])
def test_counting_and_multiplying_agree_to_the_last_bit(dim, behind):
    packed = bits.pack(RANDOM.normal(size=(70, dim)))
    # Other bytes behind the signs, as where a codec keeps factors.
    wide = np.concatenate([packed, RANDOM.integers(0, 9, (70, behind), dtype=np.uint8)], axis=1)
    packed = wide[:, : packed.shape[1]]
    numbers, _ = bits._rounded(RANDOM.normal(size=(4, dim)).astype(np.float32))
    assert (bits._by_matrix(numbers, packed) == bits._by_counting(numbers, packed)).all()


@pytest.mark.parametrize("n", [1, bits._MANY])
def test_products_are_off_by_the_rounding_of_the_query_at_most(n):
    numbers = RANDOM.normal(size=(300, 100))
    queries = RANDOM.normal(size=(n, 100)).astype(np.float32)
    exact = queries @ np.where(numbers > 0, 1, -1).T
    estimated = bits.sign_products(queries, bits.pack(numbers))
    bound = np.abs(queries).max(axis=1) / 15 * 100
    assert (np.abs(estimated - exact) <= bound[:, None] * 1.0001).all()


def test_a_zero_query_scores_zero():
    packed = bits.pack(RANDOM.normal(size=(5, 20)))
    assert not bits.sign_products(np.zeros((1, 20), np.float32), packed).any()
