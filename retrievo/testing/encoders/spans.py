"""Where an encoder's tokens are, and vectors of parts of a text that it has read as a whole."""

from typing import Any

import numpy as np
import pytest

from retrievo.contracts import Encoder
from retrievo.errors import EncoderError
from retrievo.testing.encoders.hooks import EncoderHooks
from retrievo.testing.texts import ZOO


def _token_spans(encoder: Encoder) -> Any:
    token_spans = getattr(encoder, "token_spans", None)
    if token_spans is None:
        pytest.skip("this encoder does not say where its tokens are")
    return token_spans


class TokenSpans(EncoderHooks):
    """Spans are of the text as it is written, in order."""

    @pytest.mark.parametrize("name", ZOO)
    def test_token_spans_are_inside_the_text_and_in_order(
        self, encoder: Encoder, name: str
    ) -> None:
        text = ZOO[name]
        spans = np.asarray(_token_spans(encoder)(text))
        assert spans.ndim == 2 and spans.shape[1] == 2, f"shape {spans.shape}, (n, 2) is wanted"
        assert np.issubdtype(spans.dtype, np.integer)
        if len(spans):
            assert spans.min() >= 0 and spans.max() <= len(text)
            assert (spans[:, 0] <= spans[:, 1]).all() and (np.diff(spans[:, 0]) >= 0).all()

    def test_an_empty_text_has_no_tokens(self, encoder: Encoder) -> None:
        assert np.asarray(_token_spans(encoder)("")).shape == (0, 2)


def _encode_spans(encoder: Encoder) -> Any:
    encode_spans = getattr(encoder, "encode_spans", None)
    if encode_spans is None:
        pytest.skip("this encoder does not encode spans")
    refused = getattr(encoder, "spans_refused", None)
    if refused is not None:
        pytest.skip(f"this encoder does not encode spans: {refused}")
    return encode_spans


_TEXT = "Berlin is a city of trams. It has many lakes."
_PARTS = [(0, 26), (27, len(_TEXT))]


class EncodedSpans(EncoderHooks):
    """Vectors of spans: a row for each, in the order given, of the same kind as other vectors."""

    def test_each_span_has_a_row(self, encoder: Encoder) -> None:
        found = _encode_spans(encoder)([_TEXT, "", _TEXT], [_PARTS, [(0, 0)], []], ["", "", ""])
        assert [rows.shape for rows in found] == [
            (2, encoder.dim),
            (1, encoder.dim),
            (0, encoder.dim),
        ]
        assert all(rows.dtype == np.float32 and np.isfinite(rows).all() for rows in found)
        assert not found[1].any(), "a span without a token has a zero row"
        assert _encode_spans(encoder)([], [], []) == []

    def test_spans_come_in_the_order_given(self, encoder: Encoder) -> None:
        (there,) = _encode_spans(encoder)([_TEXT], [_PARTS], [""])
        (back,) = _encode_spans(encoder)([_TEXT], [_PARTS[::-1]], [""])
        np.testing.assert_allclose(there, back[::-1], atol=1e-4)

    def test_a_span_is_read_in_its_text(self, encoder: Encoder) -> None:
        (one,) = _encode_spans(encoder)([_TEXT], [[_PARTS[1]]], [""])
        (other,) = _encode_spans(encoder)(
            [_TEXT.replace("Berlin", "Oslo")], [[(25, len(_TEXT) - 2)]], [""]
        )
        assert np.abs(one - other).max() > 1e-4, "what is around a span changes nothing in it"

    @pytest.mark.parametrize("name", ZOO)
    def test_any_text_has_spans(self, encoder: Encoder, name: str) -> None:
        text = ZOO[name]
        middle = len(text) // 2
        (rows,) = _encode_spans(encoder)([text], [[(0, middle), (middle, len(text))]], ["Title"])
        assert rows.shape == (2, encoder.dim) and np.isfinite(rows).all()

    def test_a_span_outside_of_its_text_is_refused(self, encoder: Encoder) -> None:
        with pytest.raises(EncoderError):
            _encode_spans(encoder)(["abc"], [[(1, 9)]], [""])
