import numpy as np
import pytest

from retrievo.encode.probe import fingerprint_of


def tensors(*arrays):
    return [(a.shape, str(a.dtype), a.reshape(-1).view(np.uint8)) for a in arrays]


WEIGHTS = np.random.default_rng(0).normal(size=(300, 7)).astype(np.float32)
SMALL = np.array([1.0, 2.0, 3.0], dtype=np.float16)


@pytest.mark.parametrize("at", [(0, 0), (17, 3), (299, 6)])
def test_any_single_weight_counts(at):
    other = WEIGHTS.copy()
    other[at] = np.nextafter(other[at], np.float32(9))
    before = fingerprint_of(tensors(WEIGHTS, SMALL), {})
    assert fingerprint_of(tensors(other, SMALL), {}) != before
    assert fingerprint_of(tensors(WEIGHTS.copy(), SMALL), {}) == before


def test_the_last_odd_bytes_count():
    other = SMALL.copy()
    other[2] = 4.0
    assert fingerprint_of(tensors(SMALL), {}) != fingerprint_of(tensors(other), {})


def test_shape_dtype_order_and_settings_count():
    made = {
        fingerprint_of(tensors(WEIGHTS, SMALL), {}),
        fingerprint_of(tensors(SMALL, WEIGHTS), {}),
        fingerprint_of(tensors(WEIGHTS.reshape(7, 300), SMALL), {}),
        fingerprint_of(tensors(WEIGHTS.view(np.int32), SMALL), {}),
        fingerprint_of(tensors(WEIGHTS, SMALL), {"dim": 7}),
        fingerprint_of(tensors(WEIGHTS[::-1].copy(), SMALL), {}),
    }
    assert len(made) == 6
