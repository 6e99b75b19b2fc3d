"""The kit must fail for an encoder that breaks a promise: each of these breaks one."""

import numpy as np
import pytest

from retrievo.encode.static import StaticEncoder
from retrievo.testing.encoders import EncoderContract


class Contract(EncoderContract):
    __test__ = False


class Broken(StaticEncoder):
    """A right encoder with one thing done to its vectors."""

    def __init__(self, spoil):
        super().__init__()
        self.spoil = spoil

    def encode_query(self, texts):
        return self.spoil(super().encode_query(texts))

    encode_document = encode_query


def not_a_number(vectors):
    return np.where(np.arange(len(vectors))[:, None] == 3, np.nan, vectors).astype(np.float32)


def centred(vectors):
    return vectors - vectors.mean(axis=0) if len(vectors) else vectors


def noisy(vectors):
    return vectors + np.random.default_rng().normal(size=vectors.shape).astype(np.float32) * 1e-6


VERB = ["encode_query"]


@pytest.mark.parametrize(
    ("spoil", "test", "arguments"),
    [
        (lambda v: v.astype(np.float64), "test_no_texts", VERB),
        (lambda v: v[:, :-1], "test_no_texts", VERB),
        (lambda v: v.tolist(), "test_no_texts", VERB),
        (lambda v: v[np.argsort(v[:, 0])], "test_a_row_for_each_text_in_order", VERB),
        (centred, "test_a_text_alone_has_the_vector_that_it_has_in_a_batch", VERB),
        (np.ones_like, "test_different_texts_have_different_vectors", VERB),
        (lambda v: v + 1, "test_an_empty_text_gives_a_zero_row_and_a_warning", VERB),
        (not_a_number, "test_any_text_gives_finite_numbers", VERB),
        (np.zeros_like, "test_any_text_gives_finite_numbers", VERB),
        (noisy, "test_the_same_text_gives_the_same_numbers", VERB),
    ],
)
def test_the_kit_sees_it(spoil, test, arguments):
    with pytest.raises(AssertionError):
        getattr(Contract(), test)(Broken(spoil), *arguments)


def test_a_silent_empty_text_is_seen():
    class Silent(StaticEncoder):
        def encode_query(self, texts):
            rows = [super(Silent, self).encode_query([t])[0] if t.strip() else None for t in texts]
            return np.array([np.zeros(256) if r is None else r for r in rows], dtype=np.float32)

    with pytest.raises(pytest.fail.Exception, match="DID NOT WARN"):
        Contract().test_an_empty_text_gives_a_zero_row_and_a_warning(Silent(), "encode_query")


def test_spans_outside_the_text_are_seen():
    class Off(StaticEncoder):
        def token_spans(self, text):
            return super().token_spans(text) + 1

    with pytest.raises(AssertionError):
        Contract().test_token_spans_are_inside_the_text_and_in_order(Off(), "one letter")


def test_a_fingerprint_that_changes_is_seen():
    class Restless(StaticEncoder):
        @property
        def fingerprint(self):
            self.asked = getattr(self, "asked", 0) + 1
            return str(self.asked)

    with pytest.raises(AssertionError):
        Contract().test_the_fingerprint_is_a_text_that_stays(Restless())


def test_a_test_of_the_kit_cannot_be_replaced():
    with pytest.raises(TypeError, match="would replace a test of the contract"):
        type("Mine", (EncoderContract,), {"test_no_texts": lambda self: None})
