"""A row for each text, in order, whatever else is in the call."""

import numpy as np
import pytest

from retrievo.contracts import Encoder
from retrievo.testing.encoders.checking import TEXTS, VERBS, apart, encode, mixed_texts
from retrievo.testing.encoders.hooks import EncoderHooks

_ALONE = 6
"""How many texts of the big batch are encoded by themselves as well."""


class RowsInOrder(EncoderHooks):
    """Shapes, order, and that batching cannot be seen in the vectors."""

    def test_is_an_encoder(self, encoder: Encoder) -> None:
        assert isinstance(encoder, Encoder)
        assert isinstance(encoder.dim, int) and encoder.dim >= 1
        limit = encoder.max_tokens
        assert limit is None or limit > int(getattr(encoder, "special_tokens", 0))

    @pytest.mark.parametrize("verb", VERBS)
    def test_no_texts(self, encoder: Encoder, verb: str) -> None:
        encode(encoder, verb, [])

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_row_for_each_text_in_order(self, encoder: Encoder, verb: str) -> None:
        forth = encode(encoder, verb, list(TEXTS))
        back = encode(encoder, verb, list(reversed(TEXTS)))
        far = apart(forth, back[::-1])
        assert far <= self.tolerance, f"rows are not in the order of the texts: {far:.1e} apart"

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_text_alone_has_the_vector_that_it_has_in_a_batch(
        self, encoder: Encoder, verb: str
    ) -> None:
        together = encode(encoder, verb, list(TEXTS))
        for row, text in enumerate(TEXTS):
            far = apart(encode(encoder, verb, [text])[0], together[row])
            assert far <= self.tolerance, f"{text!r} depends on its batch: {far:.1e} apart"

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_big_batch_of_mixed_lengths(self, encoder: Encoder, verb: str) -> None:
        texts = mixed_texts()
        together = encode(encoder, verb, texts)
        for row in np.linspace(0, len(texts) - 1, _ALONE).astype(int).tolist():
            far = apart(encode(encoder, verb, [texts[row]])[0], together[row])
            assert far <= self.tolerance, f"row {row} of {len(texts)} is {far:.1e} from its text's"
        for row, text in enumerate(texts):
            far = apart(together[texts.index(text)], together[row])
            assert far <= self.tolerance, f"row {row} repeats a text, and is {far:.1e} from it"

    @pytest.mark.parametrize("verb", VERBS)
    def test_different_texts_have_different_vectors(self, encoder: Encoder, verb: str) -> None:
        vectors = encode(encoder, verb, list(TEXTS))
        assert len(np.unique(vectors.round(4), axis=0)) == len(TEXTS)

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_text_given_twice_has_two_equal_rows(self, encoder: Encoder, verb: str) -> None:
        one, other = TEXTS[0], TEXTS[3]
        vectors = encode(encoder, verb, [one, other, one, one, other])
        alone = encode(encoder, verb, [one, other])
        assert apart(vectors, alone[[0, 1, 0, 0, 1]]) <= self.tolerance

    @pytest.mark.parametrize("verb", VERBS)
    def test_the_same_texts_give_the_same_numbers(self, encoder: Encoder, verb: str) -> None:
        first, second = (encode(encoder, verb, list(TEXTS)) for _ in range(2))
        assert apart(first, second) <= self.noise, "the same call gave other numbers"
