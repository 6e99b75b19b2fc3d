"""What an encoder says of itself: an index is compared with it before it is searched."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from retrievo.contracts import Encoder
from retrievo.testing.encoders.checking import TEXTS, VERBS, apart, encode
from retrievo.testing.encoders.hooks import EncoderHooks

_UNIT = 1e-3


def _identity(encoder: Encoder) -> dict[str, Any]:
    told = getattr(encoder, "identity", None)
    if told is None:
        pytest.skip("this encoder tells nothing of itself beyond its fingerprint")
    return dict(told())


class Passports(EncoderHooks):
    """The fingerprint follows everything that changes vectors, and nothing else."""

    def test_the_fingerprint_is_a_text_that_stays(self, encoder: Encoder) -> None:
        assert isinstance(encoder.fingerprint, str) and encoder.fingerprint
        before = encoder.fingerprint
        encode(encoder, "encode_query", [TEXTS[0]])
        assert encoder.fingerprint == before

    def test_what_changes_vectors_changes_the_fingerprint(
        self, encoder: Encoder, variants: Mapping[str, Encoder]
    ) -> None:
        if not variants:
            pytest.skip("no fixture `variants` gives encoders that differ from this one")
        seen = {encoder.fingerprint: "the encoder itself"}
        for name, other in variants.items():
            assert other.fingerprint not in seen, (
                f"{name} and {seen[other.fingerprint]} have the same fingerprint: an index of one "
                "would be searched with the other"
            )
            seen[other.fingerprint] = name

    def test_what_changes_no_vector_keeps_the_fingerprint(
        self, encoder: Encoder, same: Mapping[str, Encoder]
    ) -> None:
        if not same:
            pytest.skip("no fixture `same` gives encoders with the vectors of this one")
        for name, other in same.items():
            assert other.fingerprint == encoder.fingerprint, (
                f"{name} has another fingerprint: an index would have to be made again for nothing"
            )
            for verb in VERBS:
                ours, theirs = (encode(one, verb, list(TEXTS)) for one in (encoder, other))
                assert apart(ours, theirs) <= self.tolerance, f"{name} has other vectors"

    def test_identity_can_be_kept_as_json(self, encoder: Encoder) -> None:
        identity = _identity(encoder)
        assert json.loads(json.dumps(identity)) == identity
        assert identity.get("dim", encoder.dim) == encoder.dim

    @pytest.mark.parametrize("verb", VERBS)
    def test_vectors_are_of_unit_length_where_identity_says_so(
        self, encoder: Encoder, verb: str
    ) -> None:
        if _identity(encoder).get("normalize") is not True:
            pytest.skip("this encoder does not say that its vectors have unit length")
        lengths = np.linalg.norm(encode(encoder, verb, list(TEXTS)).astype(np.float64), axis=1)
        assert np.abs(lengths - 1).max() <= _UNIT, (
            f"lengths from {lengths.min()} to {lengths.max()}"
        )

    def test_query_and_document_are_told_apart(self, encoder: Encoder) -> None:
        sides = self.sides
        if sides is None:
            prompts = _identity(encoder).get("prompts") or {}
            query, document = (prompts.get(side) or "" for side in ("query", "document"))
            if query == document:
                pytest.skip("the prompts of both sides are equal, and `sides` says no more")
            sides = "different"
        far = apart(*(encode(encoder, verb, list(TEXTS)) for verb in VERBS))
        if sides == "alike":
            assert far <= self.tolerance, f"the sides are {far:.1e} apart, and should be alike"
        else:
            assert far > self.tolerance, "a query has the vector that it has as a document"
