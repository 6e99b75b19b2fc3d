"""The contract kit is red on each of many broken expanders, by the test that is meant to see it."""

import inspect

import pytest
from broken_expanders import forms, habits
from broken_expanders.spoilt import Spoilt

from retrievo.testing.expanders import QUERIES, ExpanderContract, SampleIndex
from retrievo.testing.texts import ZOO

CAUGHT_BY = {
    forms.HasNoVerb: "test_is_an_expander",
    forms.GivesNothing: "test_a_list_of_queries",
    forms.GivesTexts: "test_a_list_of_queries",
    forms.GivesAGenerator: "test_a_list_of_queries",
    forms.GivesAnEmptyQuery: "test_a_list_of_queries",
    forms.WeighsNaN: "test_weights_and_terms_are_numbers",
    forms.WeighsBelowZero: "test_weights_and_terms_are_numbers",
    forms.WeighsNothing: "test_weights_and_terms_are_numbers",
    forms.GivesInfiniteTerms: "test_weights_and_terms_are_numbers",
    forms.GivesNegativeTerms: "test_weights_and_terms_are_numbers",
    forms.GivesEmptyTerms: "test_weights_and_terms_are_numbers",
    forms.LosesTheQuery: "test_the_query_itself_is_among_them",
    forms.RepeatsItself: "test_no_form_comes_twice",
    forms.GivesMatrices: "test_vectors_are_of_the_size_of_the_index",
    forms.GivesDoubles: "test_vectors_are_of_the_size_of_the_index",
    forms.GivesSums: "test_vectors_are_of_unit_length",
    habits.TripsOverNothing: "test_an_empty_text",
    habits.TripsOverSurrogates: "test_any_text",
    habits.TripsOverNoHits: "test_a_first_pass_that_finds_nothing",
    habits.LosesTheQueryOfNoHits: "test_a_first_pass_that_finds_nothing",
    habits.Counts: "test_the_same_query_has_the_same_forms",
    habits.AddsToWhatIsGiven: "test_the_query_given_is_left_alone",
    habits.MovesInPlace: "test_the_query_given_is_left_alone",
    habits.HandsOutItsCache: "test_the_forms_are_the_callers",
    habits.SharesItsVector: "test_the_forms_are_the_callers",
    habits.KeepsBetweenSteps: "test_threads_at_once_get_what_one_gets",
}


class Contract(ExpanderContract):
    __test__ = False


class ReplacingContract(Contract):
    keeps_text = False


@pytest.fixture(scope="module")
def index():
    return SampleIndex()


def run(test, expander, index, contract=Contract):
    """What becomes of the kit's test with every parameter: "passed", "skipped" or "failed"."""
    function = getattr(contract(), test)
    wanted = inspect.signature(function).parameters
    texts = ("", " ", " \n\t ") if test == "test_an_empty_text" else QUERIES
    sets = [{}]
    for name, values in {"text": texts, "name": tuple(ZOO)}.items():
        if name in wanted:
            sets = [{name: value} for value in values]
    given = {"expander": expander, "index": index}
    given = {name: value for name, value in given.items() if name in wanted}
    try:
        for arguments in sets:
            function(**given, **arguments)
    except pytest.skip.Exception:
        return "skipped"
    except (Exception, pytest.fail.Exception):
        return "failed"
    return "passed"


@pytest.mark.parametrize("kind", CAUGHT_BY, ids=lambda kind: kind.__name__)
def test_the_kit_sees_what_is_wrong(kind, index):
    assert run(CAUGHT_BY[kind], kind(), index) == "failed"


@pytest.mark.parametrize("test", sorted(set(CAUGHT_BY.values())))
def test_the_same_test_is_green_on_what_they_are_made_of(test, index):
    assert run(test, Spoilt(), index) == "passed"


def test_no_test_of_the_kit_is_without_an_expander_that_it_sees():
    tests = {name for name in dir(ExpanderContract) if name.startswith("test_")}
    assert tests == set(CAUGHT_BY.values())


@pytest.mark.parametrize("test", ["test_an_empty_text", "test_any_text"])
def test_a_text_may_be_refused(test, index):
    assert run(test, habits.RefusesOddTexts(), index) == "passed"


def test_an_expander_may_say_that_it_replaces_the_query(index):
    kept = "test_the_query_itself_is_among_them"
    assert run(kept, forms.LosesTheQuery(), index, ReplacingContract) == "skipped"
    nothing = "test_a_first_pass_that_finds_nothing"
    assert run(nothing, forms.LosesTheQuery(), index, ReplacingContract) == "passed"


def test_what_other_expanders_would_show_is_skipped_without_them(index):
    class Plain:
        def expand(self, query):
            from retrievo.types import Query

            return [Query(query)]

    for test in (
        "test_a_first_pass_that_finds_nothing",
        "test_the_query_given_is_left_alone",
        "test_vectors_are_of_the_size_of_the_index",
        "test_vectors_are_of_unit_length",
    ):
        assert run(test, Plain(), index) == "skipped"
    assert run("test_a_list_of_queries", Plain(), index) == "passed"
