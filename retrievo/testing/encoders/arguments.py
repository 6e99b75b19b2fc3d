"""What an encoder is given stays as it is, and what it gives is the caller's."""

from typing import Any

import pytest

from retrievo.contracts import Encoder
from retrievo.testing.encoders.checking import TEXTS, VERBS, apart, checked, encode
from retrievo.testing.encoders.hooks import EncoderHooks

_NO_TEXTS = {"None": None, "a number": 3, "bytes": b"text", "a list": ["text"]}


class Arguments(EncoderHooks):
    """A list or a tuple of str is taken; what is none is refused, with its position."""

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_tuple_is_as_good_as_a_list(self, encoder: Encoder, verb: str) -> None:
        wanted = encode(encoder, verb, list(TEXTS))
        assert apart(encode(encoder, verb, TEXTS), wanted) <= self.tolerance

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_generator_is_taken_or_refused(self, encoder: Encoder, verb: str) -> None:
        # It can be read once: who reads it twice finds no texts, and gives zeros for all.
        wanted = encode(encoder, verb, list(TEXTS))
        try:
            found = checked(encoder, verb, (text for text in TEXTS), len(TEXTS))
        except TypeError:
            return
        assert apart(found, wanted) <= self.tolerance

    @pytest.mark.parametrize("verb", VERBS)
    def test_a_single_str_is_refused(self, encoder: Encoder, verb: str) -> None:
        with pytest.raises(TypeError, match="str"):
            getattr(encoder, verb)("rotate a key")

    @pytest.mark.parametrize("what", _NO_TEXTS)
    @pytest.mark.parametrize("verb", VERBS)
    def test_what_is_no_text_is_refused_by_its_position(
        self, encoder: Encoder, verb: str, what: str
    ) -> None:
        # Counted from 0, as EncoderError.texts counts.
        texts: list[Any] = ["one", "another", _NO_TEXTS[what], "a last"]
        with pytest.raises(TypeError, match=r"\b2\b"):
            getattr(encoder, verb)(texts)

    @pytest.mark.parametrize("verb", VERBS)
    def test_the_texts_given_are_left_alone(self, encoder: Encoder, verb: str) -> None:
        given = [*TEXTS, "", TEXTS[0], "half \ud83d"]
        before = list(given)
        encode(encoder, verb, given)
        assert given == before, f"{verb} changed the list that it was given"

    @pytest.mark.parametrize("verb", VERBS)
    def test_the_array_is_the_callers(self, encoder: Encoder, verb: str) -> None:
        first = encode(encoder, verb, list(TEXTS))
        wanted = first.copy()
        if first.flags.writeable:
            first[:] = 7
        second = encode(encoder, verb, list(TEXTS))
        far = apart(second, wanted)
        assert far <= self.noise, "a caller who changes its array changes what others get"
        encode(encoder, verb, list(reversed(TEXTS)))
        assert apart(second, wanted) <= self.noise, "another call changed an array given before"
