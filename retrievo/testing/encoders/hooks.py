"""What the author of an encoder gives the kit."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import pytest

from retrievo.contracts import Encoder
from retrievo.testing.refusal import RefusesOverrides


class EncoderHooks(RefusesOverrides):
    """A fixture `encoder` must be given; the others where they say something of the encoder."""

    tolerance: ClassVar[float] = 1e-5
    """How far a number may be from what it is in another batch: float32's; wider for float16."""

    noise: ClassVar[float] = 0.0
    """How far two calls with the same texts may be apart: more than 0 for a service, for a GPU."""

    longest: ClassVar[int] = 100_000
    """Characters of the longest text that is tried."""

    sides: ClassVar[Literal["alike", "different"] | None] = None
    """Whether a query has the vector that it has as a document; None: as its prompts say."""

    @pytest.fixture
    def variants(self) -> Mapping[str, Encoder]:
        """Encoders that differ from `encoder` in one thing each that changes vectors, by its name.

        Another width, another prompt, other weights, another pooling, another dtype.
        """
        return {}

    @pytest.fixture
    def same(self) -> Mapping[str, Encoder]:
        """Encoders that differ in what changes no vector, by its name: another batch size."""
        return {}
