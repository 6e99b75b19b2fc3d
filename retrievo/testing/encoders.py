"""What every encoder must do: subclass `EncoderContract`, give it an `encoder`, run pytest.

```python
class TestMyEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self):
        return MyEncoder()      # or one of a fixture with a wider scope, where it loads slowly
```
"""

import json
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from retrievo.contracts import Encoder
from retrievo.errors import RetrievoWarning
from retrievo.testing.refusal import RefusesOverrides
from retrievo.testing.texts import ZOO
from retrievo.types import Vectors

TEXTS = (
    "how do I rotate a key?",
    "Keys are rotated once a quarter, by whoever is on call.",
    "a",
    "The cat sat on the mat. " * 20,
    "日本語のテキスト",
    "def rotate(key): return key[::-1]",
)
_VERBS = ("encode_query", "encode_document")
_NEAR = 1e-5


def _encode(encoder: Encoder, verb: str, texts: Sequence[str]) -> Vectors:
    """The vectors; that a long text was cut is a warning, and right."""
    made: Callable[[Sequence[str]], Any] = getattr(encoder, verb)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetrievoWarning)
        vectors = made(texts)
    assert isinstance(vectors, np.ndarray), f"{verb} gave a {type(vectors).__name__}"
    assert vectors.dtype == np.float32, f"{verb} gave {vectors.dtype}, float32 is wanted"
    assert vectors.shape == (len(texts), encoder.dim), f"{verb} gave the shape {vectors.shape}"
    return vectors


class EncoderContract(RefusesOverrides):
    """The promises of an encoder, for queries and for documents."""

    def test_is_an_encoder(self, encoder: Encoder) -> None:
        assert isinstance(encoder, Encoder)
        assert isinstance(encoder.dim, int) and encoder.dim >= 1
        limit = encoder.max_tokens
        assert limit is None or limit > int(getattr(encoder, "special_tokens", 0))

    @pytest.mark.parametrize("verb", _VERBS)
    def test_a_row_for_each_text_in_order(self, encoder: Encoder, verb: str) -> None:
        forth = _encode(encoder, verb, list(TEXTS))
        back = _encode(encoder, verb, list(reversed(TEXTS)))
        assert np.abs(forth - back[::-1]).max() <= _NEAR, "rows are not in the order of the texts"

    @pytest.mark.parametrize("verb", _VERBS)
    def test_a_text_alone_has_the_vector_that_it_has_in_a_batch(
        self, encoder: Encoder, verb: str
    ) -> None:
        together = _encode(encoder, verb, list(TEXTS))
        for row, text in enumerate(TEXTS):
            alone = _encode(encoder, verb, [text])[0]
            assert np.abs(alone - together[row]).max() <= _NEAR, f"{text!r} depends on its batch"

    @pytest.mark.parametrize("verb", _VERBS)
    def test_different_texts_have_different_vectors(self, encoder: Encoder, verb: str) -> None:
        vectors = _encode(encoder, verb, list(TEXTS))
        assert len(np.unique(vectors.round(4), axis=0)) == len(TEXTS)

    @pytest.mark.parametrize("verb", _VERBS)
    def test_no_texts(self, encoder: Encoder, verb: str) -> None:
        _encode(encoder, verb, [])

    @pytest.mark.parametrize("verb", _VERBS)
    def test_an_empty_text_gives_a_zero_row_and_a_warning(
        self, encoder: Encoder, verb: str
    ) -> None:
        with pytest.warns(RetrievoWarning, match="empty"):
            vectors = getattr(encoder, verb)(["", TEXTS[0], " \n "])
        assert not vectors[[0, 2]].any(), "an empty text has no direction"
        assert np.abs(vectors[1] - _encode(encoder, verb, [TEXTS[0]])[0]).max() <= _NEAR

    @pytest.mark.parametrize("verb", _VERBS)
    def test_any_text_gives_finite_numbers(self, encoder: Encoder, verb: str) -> None:
        vectors = _encode(encoder, verb, list(ZOO.values()))
        for name, vector in zip(ZOO, vectors, strict=True):
            assert np.isfinite(vector).all(), f"{name}: not finite"
            assert np.linalg.norm(vector) > 0, f"{name}: no direction"

    @pytest.mark.parametrize("verb", _VERBS)
    def test_the_same_text_gives_the_same_numbers(self, encoder: Encoder, verb: str) -> None:
        first, second = (_encode(encoder, verb, list(TEXTS)) for _ in range(2))
        assert np.array_equal(first, second)

    def test_the_fingerprint_is_a_text_that_stays(self, encoder: Encoder) -> None:
        assert isinstance(encoder.fingerprint, str) and encoder.fingerprint
        before = encoder.fingerprint
        _encode(encoder, "encode_query", [TEXTS[0]])
        assert encoder.fingerprint == before

    def test_identity_can_be_kept_as_json(self, encoder: Encoder) -> None:
        identity = getattr(encoder, "identity", None)
        if identity is None:
            pytest.skip("this encoder tells nothing of itself beyond its fingerprint")
        assert json.loads(json.dumps(identity())) == identity()

    @pytest.mark.parametrize("name", ZOO)
    def test_token_spans_are_inside_the_text_and_in_order(
        self, encoder: Encoder, name: str
    ) -> None:
        token_spans = getattr(encoder, "token_spans", None)
        if token_spans is None:
            pytest.skip("this encoder does not say where its tokens are")
        text = ZOO[name]
        spans = np.asarray(token_spans(text))
        assert spans.ndim == 2 and spans.shape[1] == 2, f"shape {spans.shape}, (n, 2) is wanted"
        assert np.issubdtype(spans.dtype, np.integer)
        if len(spans):
            assert spans.min() >= 0 and spans.max() <= len(text)
            assert (spans[:, 0] <= spans[:, 1]).all() and (np.diff(spans[:, 0]) >= 0).all()

    def test_an_empty_text_has_no_tokens(self, encoder: Encoder) -> None:
        token_spans = getattr(encoder, "token_spans", None)
        if token_spans is None:
            pytest.skip("this encoder does not say where its tokens are")
        assert np.asarray(token_spans("")).shape == (0, 2)
