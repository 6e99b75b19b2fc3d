"""What the author of an expander gives the kit."""

from typing import ClassVar

import pytest

from retrievo.testing.expanders.checking import SampleIndex
from retrievo.testing.refusal import RefusesOverrides


class ExpanderHooks(RefusesOverrides):
    """A fixture `expander` must be given; it may ask for `index`."""

    keeps_text: ClassVar[bool] = True
    """Whether one of the forms has the query's own text; False for one that replaces it."""

    @pytest.fixture
    def index(self) -> SampleIndex:
        """A small index in memory: its `store`, its `encoder`, its `first_pass`."""
        return SampleIndex()
