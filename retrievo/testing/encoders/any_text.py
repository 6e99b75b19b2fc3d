"""Empty, long and odd texts: never NaN, never a silent loss."""

import warnings

import numpy as np
import pytest

from retrievo.contracts import Encoder
from retrievo.errors import EncoderError, RetrievoWarning
from retrievo.testing.encoders.checking import TEXTS, VERBS, apart, encode
from retrievo.testing.encoders.hooks import EncoderHooks
from retrievo.testing.texts import ZOO
from retrievo.truncation import recording

_EMPTY = ("", " ", " \n\t ", "\u3000\u00a0")


class AnyText(EncoderHooks):
    """Whatever a document holds, its vector is finite, and the caller knows what it stands for."""

    @pytest.mark.parametrize("verb", VERBS)
    def test_an_empty_text_gives_a_zero_row_and_a_warning(
        self, encoder: Encoder, verb: str
    ) -> None:
        for empty in _EMPTY:
            with pytest.warns(RetrievoWarning, match="empty"):
                vectors = getattr(encoder, verb)([empty, TEXTS[0], empty])
            assert not vectors[[0, 2]].any(), f"{empty!r} has no direction"
            far = apart(vectors[1], encode(encoder, verb, [TEXTS[0]])[0])
            assert far <= self.tolerance, f"a text beside {empty!r} is {far:.1e} from itself alone"

    @pytest.mark.parametrize("verb", VERBS)
    def test_nothing_but_empty_texts(self, encoder: Encoder, verb: str) -> None:
        with pytest.warns(RetrievoWarning, match="empty"):
            getattr(encoder, verb)(["", " "])
        assert not encode(encoder, verb, ["", " "]).any()

    @pytest.mark.parametrize("verb", VERBS)
    def test_any_text_gives_finite_numbers(self, encoder: Encoder, verb: str) -> None:
        vectors = encode(encoder, verb, list(ZOO.values()))
        for name, vector in zip(ZOO, vectors, strict=True):
            assert np.isfinite(vector).all(), f"{name}: not finite"
            assert np.linalg.norm(vector) > 0, f"{name}: no direction"

    @pytest.mark.parametrize("verb", VERBS)
    def test_an_ordinary_text_is_told_of_nothing(self, encoder: Encoder, verb: str) -> None:
        with recording() as entries, warnings.catch_warnings():
            warnings.simplefilter("error", RetrievoWarning)
            getattr(encoder, verb)(list(TEXTS[:3]))
        assert not entries, f"{entries[0].text!r} was read whole, and was recorded as cut"

    @pytest.mark.parametrize("verb", VERBS)
    def test_what_is_not_read_of_a_long_text_is_told(self, encoder: Encoder, verb: str) -> None:
        # Two that differ in their second half alone: equal vectors show that it was not read.
        half = self.longest // 2
        same = _filled("the parrot sits by the window ", half)
        tails = ("glaciers melt in the sun ", "a quarterly report of sales ")
        texts = [same + _filled(tail, half) for tail in tails]
        try:
            with recording() as entries, warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                vectors = getattr(encoder, verb)([TEXTS[0], *texts])
        except EncoderError as error:
            assert 1 in error.texts, f"the error does not say that the text at 1 is long: {error}"
            return
        assert np.isfinite(vectors).all(), "not finite"
        assert (np.linalg.norm(vectors, axis=1) > 0).all(), "no direction"
        far = apart(vectors[0], encode(encoder, verb, [TEXTS[0]])[0])
        assert far <= self.tolerance, f"a text beside long ones is {far:.1e} from itself alone"
        for entry in entries:
            assert entry.text in texts, f"{entry.text[:40]!r} is none of the long texts"
            assert 0 <= entry.tokens_seen < entry.tokens_total, f"{entry[1:]} says nothing was cut"
        if apart(vectors[1], vectors[2]) <= self.tolerance:
            warned = any(issubclass(warning.category, RetrievoWarning) for warning in told)
            recorded = {entry.text for entry in entries}
            # Who has `on_truncate` is believed: nobody counts its tokens a second time.
            believed = hasattr(encoder, "on_truncate")
            enough = recorded == set(texts) if believed else warned or entries
            assert enough, "half of a text was not read, and it is not in the ledger"
            with pytest.warns(RetrievoWarning):  # where nobody keeps a ledger
                getattr(encoder, verb)(texts[:1])


def _filled(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]
