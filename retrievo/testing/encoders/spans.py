"""Where an encoder's tokens are, for chunkers that cut by them."""

from typing import Any

import numpy as np
import pytest

from retrievo.contracts import Encoder
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
