"""Vectors that forms bring along: a dense branch takes them as they are."""

import numpy as np
import pytest

from retrievo.contracts import Expander
from retrievo.testing.expanders.checking import QUERIES, SampleIndex, forms_of
from retrievo.testing.expanders.hooks import ExpanderHooks
from retrievo.types import Query, Vectors

_UNIT = 1e-4


def _vectors(expander: Expander, index: SampleIndex) -> list[tuple[str, Vectors]]:
    """Those of all forms of all queries that the index would compare with its own."""
    forms = [form for text in QUERIES for form in forms_of(expander, Query(text), index.first_pass)]
    found = [
        (name, vector)
        for form in forms
        for name, vector in form.vectors.items()
        if name in index.dims
    ]
    if not found:
        pytest.skip("this expander gives no vectors")
    return found


class MovedVectors(ExpanderHooks):
    """A vector is as the index's own are: of its size, of its dtype, of its length."""

    def test_vectors_are_of_the_size_of_the_index(
        self, expander: Expander, index: SampleIndex
    ) -> None:
        for name, vector in _vectors(expander, index):
            wanted = (index.dims[name],)
            assert vector.shape == wanted, f"{name}: shape {vector.shape}, {wanted} is wanted"
            assert vector.dtype == np.float32, f"{name}: {vector.dtype}, float32 is wanted"

    def test_vectors_are_of_unit_length(self, expander: Expander, index: SampleIndex) -> None:
        for name, vector in _vectors(expander, index):
            length = float(np.linalg.norm(vector))
            assert abs(length - 1) <= _UNIT, f"{name}: length {length:.4f}, 1 is wanted"
