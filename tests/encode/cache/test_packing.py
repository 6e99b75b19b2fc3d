import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from retrievo.encode.cache.packing import LEAST_COSINE, Entry, as_kept, pack, unpack

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)
SHAPES = st.tuples(st.integers(0, 5), st.integers(1, 40))


@given(arrays.arrays(np.float32, SHAPES, elements=FLOATS))
def test_float32_comes_back_to_the_bit(vectors):
    n, dim = vectors.shape
    back = unpack(pack(vectors, "float32"), dim)
    assert back.shape == (n, dim) and back.dtype == np.float32
    assert back.tobytes() == vectors.tobytes()


@given(arrays.arrays(np.float32, SHAPES, elements=FLOATS))
def test_int8_comes_back_near_or_to_the_bit(vectors):
    dim = vectors.shape[1]
    blobs = pack(vectors, "int8")
    back = unpack(blobs, dim)
    assert back.tobytes() == as_kept(vectors).tobytes()
    for vector, blob, kept in zip(vectors, blobs, back, strict=True):
        if len(blob) == 4 * dim:
            assert kept.tobytes() == vector.tobytes()
            continue
        assert len(blob) == dim + 4
        a, b = vector.astype(np.float64), kept.astype(np.float64)
        lengths = np.linalg.norm(a), np.linalg.norm(b)
        assert a @ b / np.prod(lengths) >= LEAST_COSINE - 1e-7
        assert abs(lengths[1] / lengths[0] - 1) < 1e-3


def test_a_vector_written_out():
    # The largest number has 127 steps, the others what is nearest: 1, .5 and -.25 are 127, 64 (of
    # 63.5, to the even one) and -32 (of -31.75). The scale keeps the length.
    vector = np.array([[1.0, 0.5, -0.25]], np.float32)
    (blob,) = pack(vector, "int8")
    scale = np.sqrt(1 + 0.25 + 0.0625) / np.sqrt(127**2 + 64**2 + 32**2)
    assert np.frombuffer(blob, np.int8, offset=4).tolist() == [127, 64, -32]
    assert np.frombuffer(blob, "<f4", 1)[0] == np.float32(scale)
    assert np.allclose(unpack([blob], 3), scale * np.array([127, 64, -32]), rtol=1e-6)


def test_int8_is_refused_for_a_vector_of_one_large_number():
    spiky = np.full((1, 400), 0.003, np.float32)
    spiky[0, 7] = 1.0  # a step is .008: all others would be 0, the cosine .9982
    flat = np.random.default_rng(0).standard_normal((1, 400)).astype(np.float32)
    wide, narrow = pack(np.vstack([spiky, flat]), "int8")
    assert len(wide) == 1600 and len(narrow) == 404
    assert np.array_equal(unpack([wide, narrow], 400)[0], spiky[0])


def test_rows_without_a_direction_stay_as_they_are():
    odd = np.array([[0, 0], [np.nan, 1], [np.inf, 1]], np.float32)
    assert [len(blob) for blob in pack(odd, "int8")] == [8, 8, 8]


def test_a_checksum_knows_key_counts_and_every_byte():
    entry = Entry(bytes(range(200)), 300, 256)
    right = entry.checksum(b"key")
    assert entry.is_whole(b"key", right)
    assert not entry.is_whole(b"kez", right)
    assert not entry._replace(tokens_total=299).is_whole(b"key", right)
    assert not entry._replace(vector=entry.vector[:-1] + b"\0").is_whole(b"key", right)
    assert not Entry(None, 300, 256).is_whole(b"key", right)
