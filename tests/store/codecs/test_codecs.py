"""What every codec must do, whatever the vectors are."""

import numpy as np
import pytest
from dense_batches import clustered
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from retrievo.errors import ConfigError, StoreError
from retrievo.store.codecs import CODECS, codec

NUMBERS = st.one_of(
    st.just(0.0), st.floats(-2, 2, width=32), st.floats(-(2.0**50), 2.0**50, width=32)
)


@st.composite
def matrices(draw):
    """Vectors of any size, with rows, columns or all of them constant at times."""
    n, dim = draw(st.integers(0, 12)), draw(st.sampled_from([1, 2, 7, 8, 9, 16, 33]))
    made = draw(arrays.arrays(np.float32, (n, dim), elements=NUMBERS))
    if n and draw(st.booleans()):
        made[:, draw(st.integers(0, dim - 1))] = draw(NUMBERS)
    if n and draw(st.booleans()):
        made[draw(st.integers(0, n - 1))] = draw(st.sampled_from([0.0, 1.0]))
    return made


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=50)
@given(matrices(), st.data())
def test_any_finite_vectors_have_codes_and_finite_scores(name, vectors, data):
    made = codec(name).fit(vectors)
    dim = vectors.shape[1]
    codes = made.encode(vectors)
    assert codes.shape == (len(vectors), made.bytes_a_vector)
    assert codes.dtype.itemsize == 1
    assert made.bytes_a_vector == codec(name).bytes_for(dim)
    # Others than those of the fit, and queries of them all.
    elements = st.floats(-2, 2, width=32)
    others = data.draw(arrays.arrays(np.float32, (3, dim), elements=elements))
    codes = made.encode(np.concatenate([vectors, others]))
    scores = made.scores(others, codes)
    assert scores.shape == (3, len(codes)) and scores.dtype == np.float32
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("name", CODECS)
def test_the_same_sample_gives_the_same_codes(name):
    vectors = clustered(400, 24)
    first, second = (codec(name).fit(vectors).encode(vectors) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("name", CODECS)
def test_a_vector_has_the_code_it_would_have_alone(name):
    vectors = clustered(1000, 40)
    made = codec(name).fit(vectors)
    parts = np.concatenate([made.encode(vectors[:900]), made.encode(vectors[900:])])
    differing = (parts != made.encode(vectors)).mean()
    # Another shape may round a product otherwise, and so a number that lies on a bound.
    assert differing < 0.01


@pytest.mark.parametrize("name", CODECS)
def test_one_query_or_many_are_estimated_alike(name):
    vectors = clustered(300, 40)
    made = codec(name).fit(vectors)
    codes = made.encode(vectors)
    many = made.scores(vectors[:20], codes)
    for i in range(20):
        assert np.allclose(made.scores(vectors[i : i + 1], codes)[0], many[i], atol=1e-5)
    assert made.scores(vectors[:0], codes).shape == (0, 300)
    assert made.scores(vectors[:2], codes[:0]).shape == (2, 0)


LEAST = {
    "int8": 0.999, "binary": 0.75, "itq": 0.75, "rabitq": 0.8, "residual-2bit": 0.95,
    "pca-int8": 0.9,
}  # fmt: skip


@pytest.mark.parametrize("name", CODECS)
def test_estimates_go_with_the_inner_products(name):
    vectors = clustered(3000, 48)
    made = codec(name).fit(vectors)
    estimated = made.scores(vectors[:50], made.encode(vectors))
    exact = vectors[:50] @ vectors.T
    together = [np.corrcoef(a, b)[0, 1] for a, b in zip(estimated, exact, strict=True)]
    assert np.mean(together) > LEAST[name]


@pytest.mark.parametrize("name", CODECS)
def test_a_shift_of_all_vectors_hides_nothing(name):
    """Encoders have a mean far from 0; signs of the numbers themselves would all be equal."""
    vectors = clustered(2000, 48) + np.full(48, 3, np.float32)
    made = codec(name).fit(vectors)
    queries = clustered(20, 48, seed=5)
    estimated, exact = made.scores(queries, made.encode(vectors)), queries @ vectors.T
    together = [np.corrcoef(a, b)[0, 1] for a, b in zip(estimated, exact, strict=True)]
    assert np.mean(together) > LEAST[name] - 0.15


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (3, 300), (30, 1)])
def test_small_samples(name, shape):
    vectors = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    made = codec(name).fit(vectors)
    assert np.isfinite(made.scores(np.ones((1, shape[1]), np.float32), made.encode(vectors))).all()


@pytest.mark.parametrize("name", ["int8", "binary", "rabitq", "residual-2bit"])
def test_wide_vectors(name):
    vectors = np.random.default_rng(1).normal(size=(60, 5000)).astype(np.float32)
    made = codec(name).fit(vectors)
    scores = made.scores(vectors[:5], made.encode(vectors))
    # Each vector is nearest to itself by far.
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


def test_what_cannot_be_fitted_is_told():
    with pytest.raises(StoreError, match="NaN"):
        codec("int8").fit(np.array([[1, np.nan]], np.float32))
    with pytest.raises(StoreError, match="shape"):
        codec("int8").fit(np.ones(3, np.float32))
    with pytest.raises(ConfigError, match="no codec 'int4'"):
        codec("int4")
