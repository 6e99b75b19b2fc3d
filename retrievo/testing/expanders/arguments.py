"""What an expander is given stays as it is, and what it gives is the caller's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Barrier

import pytest

from retrievo.contracts import Expander
from retrievo.testing.expanders.checking import QUERIES, SampleIndex, forms_of, same_forms
from retrievo.testing.expanders.hooks import ExpanderHooks
from retrievo.types import Query

_THREADS = 4


class Arguments(ExpanderHooks):
    """The same query has the same forms, whoever asks, and whatever was asked before."""

    @pytest.mark.parametrize("text", QUERIES)
    def test_the_same_query_has_the_same_forms(
        self, expander: Expander, index: SampleIndex, text: str
    ) -> None:
        first = deepcopy(forms_of(expander, Query(text), index.first_pass))
        forms_of(expander, Query(QUERIES[1]), index.first_pass)
        second = forms_of(expander, Query(text), index.first_pass)
        assert not (differs := same_forms(first, second)), f"two calls differ: {differs}"

    def test_the_query_given_is_left_alone(self, expander: Expander, index: SampleIndex) -> None:
        if not hasattr(expander, "expand_found"):
            pytest.skip("this expander is given a text alone")
        # With a vector, so that the first pass itself has nothing to add.
        [vector] = index.encoder.encode_query([QUERIES[0]])
        given = Query(QUERIES[0], 0.5, {"dense": vector}, {"vault": 0.25})
        before = deepcopy(given)
        forms_of(expander, given, index.first_pass)
        assert not (differs := same_forms([before], [given])), f"it was changed: {differs}"

    def test_the_forms_are_the_callers(self, expander: Expander, index: SampleIndex) -> None:
        forms = forms_of(expander, Query(QUERIES[0]), index.first_pass)
        before = deepcopy(forms)
        for form in forms:  # a retriever and a search put more into them
            form.vectors["other"] = index.encoder.encode_query([form.text or "x"])[0]
            form.weight, form.terms = 7.0, {**form.terms, "changed": 1.0}
            for vector in form.vectors.values():
                if vector.flags.writeable:
                    vector[:] = 7
        again = forms_of(expander, Query(QUERIES[0]), index.first_pass)
        differs = same_forms(before, again)
        assert not differs, f"who changes the forms changes what others get: {differs}"

    def test_threads_at_once_get_what_one_gets(
        self, expander: Expander, index: SampleIndex
    ) -> None:
        wanted = [forms_of(expander, Query(text), index.first_pass) for text in QUERIES[:_THREADS]]
        together = Barrier(_THREADS)
        found = _at_once(lambda text: forms_of(expander, Query(text), index.first_pass), together)
        for one, other in zip(wanted, found, strict=True):
            assert not (differs := same_forms(one, other)), f"threads disturb another: {differs}"


def _at_once(work: Callable[[str], list[Query]], together: Barrier) -> list[list[Query]]:
    def one(text: str) -> list[Query]:
        together.wait()
        return work(text)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(one, QUERIES[:_THREADS]))
