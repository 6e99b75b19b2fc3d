"""Fixed-dimension encodings against their definition, written out with loops."""

import numpy as np
import pytest

from retrievo.errors import ConfigError
from retrievo.retrieve.muvera import FixedEncodings
from retrievo.types import MultiRows


def rows(*sizes, dim=8, seed=0):
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(sum(sizes), dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return MultiRows(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), vectors)


def max_sim(query, document):
    return float((query @ document.T).max(axis=1).sum())


def bucket(vector, planes):
    return sum(1 << bit for bit in range(planes.shape[1]) if vector @ planes[:, bit] > 0)


def written_out(encodings, query, document, bits):
    """The inner product by the paper's definition, without projections."""
    total = 0.0
    for planes in encodings._planes:
        of_document = [bucket(vector, planes) for vector in document]
        for number in range(2**bits):
            asked = sum(v for v in query if bucket(v, planes) == number)
            here = [v for v, b in zip(document, of_document, strict=True) if b == number]
            if here:
                answer = np.mean(here, axis=0)
            else:
                apart = [bin(b ^ number).count("1") for b in of_document]
                answer = document[int(np.argmin(apart))]
            total += float(np.dot(asked, answer)) if not isinstance(asked, int) else 0.0
    return total / len(encodings._planes)


def test_it_is_what_the_paper_defines():
    encodings = FixedEncodings(8, repetitions=3, bits=3, projection=None)
    queries, documents = rows(4, 1), rows(6, 2, 20, seed=1)
    made = encodings.queries(queries) @ encodings.documents(documents).T
    for i in range(2):
        for j in range(3):
            assert made[i, j] == pytest.approx(
                written_out(encodings, queries[i], documents[j], 3), abs=1e-5
            )


def test_without_projections_it_is_never_above_max_sim():
    encodings = FixedEncodings(8, repetitions=5, bits=3, projection=None)
    queries, documents = rows(4, 7), rows(6, 2, 20, seed=1)
    made = encodings.queries(queries) @ encodings.documents(documents).T
    exact = [[max_sim(queries[i], documents[j]) for j in range(3)] for i in range(2)]
    assert (made <= np.array(exact) + 1e-5).all()


def test_one_token_is_met_exactly():
    encodings = FixedEncodings(8, repetitions=2, bits=2, projection=None)
    one, other = rows(1), rows(1, seed=3)
    made = encodings.queries(one) @ encodings.documents(other).T
    assert made[0, 0] == pytest.approx(max_sim(one[0], other[0]), abs=1e-6)


def test_more_repetitions_bring_projections_nearer_to_what_they_project():
    queries, documents = rows(*[5] * 10, dim=32), rows(*[12] * 30, dim=32, seed=1)

    def error(repetitions):
        exact = FixedEncodings(32, repetitions=200, bits=3, projection=None)
        made = FixedEncodings(32, repetitions=repetitions, bits=3, projection=8)
        near = made.queries(queries) @ made.documents(documents).T
        return np.abs(near - exact.queries(queries) @ exact.documents(documents).T).mean()

    assert error(64) < 0.5 * error(4)


def test_near_documents_come_first():
    draw = np.random.default_rng(5)
    documents = rows(*[30] * 200, dim=32, seed=1)
    encodings = FixedEncodings(32)
    encoded = encodings.documents(documents)
    hits = 0
    for _ in range(20):
        at = int(draw.integers(0, 200))
        noisy = documents[at][:6] + 0.1 * draw.normal(size=(6, 32)).astype(np.float32)
        query = MultiRows(np.array([0, 6], np.int64), noisy)
        hits += at in np.argsort(-(encoded @ encodings.queries(query)[0]))[:10]
    assert hits >= 19


def test_every_process_has_the_same_and_sizes_are_told():
    one, other = FixedEncodings(8), FixedEncodings(8)
    assert (one.documents(rows(3)) == other.documents(rows(3))).all()
    assert one.size == 20 * 16 * 16 == one.queries(rows(2)).shape[1]
    assert FixedEncodings(8, bits=2).settings != one.settings


def test_no_tokens_are_zeros():
    assert not FixedEncodings(8).documents(rows(0, 0)).any()


@pytest.mark.parametrize("wrong", [{"repetitions": 0}, {"bits": 13}, {"projection": 0}])
def test_sizes_that_are_none(wrong):
    with pytest.raises(ConfigError, match="muvera wants"):
        FixedEncodings(8, **wrong)
