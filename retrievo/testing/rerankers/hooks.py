"""What the author of a reranker gives the kit."""

from typing import ClassVar

import pytest

from retrievo.testing.refusal import RefusesOverrides
from retrievo.testing.rerankers.checking import SampleIndex


class RerankerHooks(RefusesOverrides):
    """A fixture `reranker` must be given; it may ask for `index`."""

    reads_all: ClassVar[bool] = True
    """Whether it ranks all that it is handed; False for one that may stop, by its time, say."""

    noise: ClassVar[float] = 0.0
    """How far the scores of two calls may be apart: services and GPUs are not exact."""

    longest: ClassVar[int] = 100_000
    """Characters of the longest text that is tried."""

    @pytest.fixture
    def index(self) -> SampleIndex:
        """A small index in memory: its `store`, its `encoder`, its `found`."""
        return SampleIndex()
