"""Empty, long and odd texts: forms all the same, or a SearchError, never anything else."""

import pytest

from retrievo.contracts import Expander
from retrievo.testing.expanders.checking import (
    SampleIndex,
    check_numbers,
    forms_of,
    forms_or_refusal,
    nothing_found,
)
from retrievo.testing.expanders.hooks import ExpanderHooks
from retrievo.testing.texts import ZOO
from retrievo.types import Query


class AnyText(ExpanderHooks):
    """Whatever somebody types, a search goes on."""

    @pytest.mark.parametrize("text", ["", " ", " \n\t "])
    def test_an_empty_text(self, expander: Expander, index: SampleIndex, text: str) -> None:
        for form in forms_or_refusal(expander, Query(text), index.first_pass) or ():
            check_numbers(form)

    @pytest.mark.parametrize("name", ZOO)
    def test_any_text(self, expander: Expander, index: SampleIndex, name: str) -> None:
        for form in forms_or_refusal(expander, Query(ZOO[name]), index.first_pass) or ():
            check_numbers(form)

    def test_a_first_pass_that_finds_nothing(self, expander: Expander, index: SampleIndex) -> None:
        if not hasattr(expander, "expand_found"):
            pytest.skip("this expander asks for no first pass")
        text = "how do I rotate a key?"
        forms = forms_of(expander, Query(text), nothing_found)
        for form in forms:
            check_numbers(form)
        if self.keeps_text:
            assert text in [form.text for form in forms], "with nothing found the query is lost"
