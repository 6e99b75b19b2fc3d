"""What comes back: queries, what each of them counts, and the words that join them."""

import pytest

from retrievo.contracts import Expander
from retrievo.testing.expanders.checking import QUERIES, SampleIndex, check_numbers, forms_of
from retrievo.testing.expanders.hooks import ExpanderHooks
from retrievo.types import Query


class Forms(ExpanderHooks):
    """At least one query, whose numbers a search can reckon with."""

    def test_is_an_expander(self, expander: Expander) -> None:
        assert isinstance(expander, Expander), "expand(query) is missing"

    @pytest.mark.parametrize("text", QUERIES)
    def test_a_list_of_queries(self, expander: Expander, index: SampleIndex, text: str) -> None:
        forms = forms_of(expander, Query(text), index.first_pass)
        assert any(form.text.strip() or form.vectors for form in forms), "nothing to search for"

    @pytest.mark.parametrize("text", QUERIES)
    def test_weights_and_terms_are_numbers(
        self, expander: Expander, index: SampleIndex, text: str
    ) -> None:
        forms = forms_of(expander, Query(text), index.first_pass)
        for form in forms:
            check_numbers(form)
        assert any(form.weight > 0 for form in forms), "no form counts anything"

    @pytest.mark.parametrize("text", QUERIES)
    def test_the_query_itself_is_among_them(
        self, expander: Expander, index: SampleIndex, text: str
    ) -> None:
        if not self.keeps_text:
            pytest.skip("this expander says that it replaces the query (keeps_text = False)")
        forms = forms_of(expander, Query(text), index.first_pass)
        assert text in [form.text for form in forms], (
            f"{text!r} is lost; set keeps_text = False where that is meant"
        )

    @pytest.mark.parametrize("text", QUERIES)
    def test_no_form_comes_twice(self, expander: Expander, index: SampleIndex, text: str) -> None:
        forms = forms_of(expander, Query(text), index.first_pass)
        # Of the same text with other vectors or terms it is another form.
        plain = [form.text for form in forms if not form.vectors and not form.terms]
        assert len(plain) == len(set(plain)), "the same query is searched for twice"
