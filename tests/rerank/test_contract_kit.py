"""The contract kit is red on each of many broken rerankers, by the test that is meant to see it."""

import inspect

import pytest
from broken_rerankers import answers, habits
from broken_rerankers.spoilt import Spoilt

from retrievo.testing.rerankers import QUERIES, TEXTS, RerankerContract, SampleIndex
from retrievo.testing.texts import ZOO

CAUGHT_BY = {
    answers.HasNoVerb: "test_is_a_reranker",
    answers.GivesAList: "test_positions_with_scores_best_first",
    answers.GivesListsInside: "test_positions_with_scores_best_first",
    answers.GivesSmallIntegers: "test_positions_with_scores_best_first",
    answers.GivesDoubles: "test_positions_with_scores_best_first",
    answers.GivesFewerScores: "test_positions_with_scores_best_first",
    answers.CountsFromOne: "test_positions_with_scores_best_first",
    answers.RepeatsTheBest: "test_positions_with_scores_best_first",
    answers.ScoresNaN: "test_positions_with_scores_best_first",
    answers.RanksBackwards: "test_positions_with_scores_best_first",
    answers.RanksNothing: "test_positions_with_scores_best_first",
    answers.LosesTheLast: "test_all_that_was_given_is_ranked",
    answers.GivesAll: "test_no_more_than_top_k_and_the_same_first_ones",
    answers.CutsBeforeItRanks: "test_no_more_than_top_k_and_the_same_first_ones",
    answers.ScoresAboveItsBound: "test_what_it_says_of_its_scores_is_true",
    answers.AccountsForOne: "test_what_it_says_of_its_scores_is_true",
    answers.AccountsInNumbers: "test_what_it_says_of_its_scores_is_true",
    habits.WantsNoDepth: "test_depth_is_a_number_of_chunks",
    habits.ReadsItsDepthAlone: "test_more_chunks_than_depth",
    habits.WantsRowsForPositions: "test_what_a_search_found",
    habits.TripsOverNothingFound: "test_a_search_that_found_nothing",
    habits.DividesBySpread: "test_scores_that_are_all_equal",
    habits.SortsWhatWasFound: "test_what_was_found_is_left_alone",
    habits.MovesTheVector: "test_what_was_found_is_left_alone",
    habits.TripsOverNoChunks: "test_no_chunks",
    habits.TripsOverOneChunk: "test_one_chunk",
    habits.TripsOverEmptyTexts: "test_empty_texts",
    habits.LeavesEmptyTextsOut: "test_empty_texts",
    habits.TripsOverNoQuery: "test_an_empty_query",
    habits.TripsOverSurrogates: "test_chunks_of_any_text",
    habits.TripsOverOddQueries: "test_any_query",
    habits.RefusesLongTexts: "test_long_texts",
    habits.WantsNoContext: "test_chunks_with_a_context",
    habits.Counts: "test_the_same_question_has_the_same_ranking",
    habits.SortsTheChunks: "test_the_chunks_given_are_left_alone",
    habits.WantsAList: "test_the_chunks_given_are_left_alone",
    habits.HandsOutItsCache: "test_the_ranking_is_the_callers",
    habits.KeepsBetweenSteps: "test_threads_at_once_get_what_one_gets",
}


class Contract(RerankerContract):
    __test__ = False


class StoppingContract(Contract):
    reads_all = False


class NoisyContract(Contract):
    noise = 0.01


@pytest.fixture(scope="module")
def index():
    return SampleIndex()


def run(test, reranker, index, contract=Contract):
    """What becomes of the kit's test with every parameter: "passed", "skipped" or "failed"."""
    function = getattr(contract(), test)
    wanted = inspect.signature(function).parameters
    texts = ("", " ", " \n\t ") if test == "test_an_empty_query" else QUERIES
    tops = (1, 3, len(TEXTS), len(TEXTS) + 5)
    sets = [{}]
    for name, values in {"text": texts, "name": tuple(ZOO), "top_k": tops}.items():
        if name in wanted:
            sets = [{name: value} for value in values]
    given = {"reranker": reranker, "index": index}
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


def test_no_test_of_the_kit_is_without_a_reranker_that_it_sees():
    tests = {name for name in dir(RerankerContract) if name.startswith("test_")}
    assert tests == set(CAUGHT_BY.values())


@pytest.mark.parametrize("test", ["test_an_empty_query", "test_any_query"])
def test_a_query_may_be_refused(test, index):
    assert run(test, habits.RefusesOddQueries(), index) == "passed"


@pytest.mark.parametrize("test", sorted(set(CAUGHT_BY.values())))
def test_one_that_says_so_may_stop_early(test, index):
    wanted = "skipped" if test == "test_all_that_was_given_is_ranked" else "passed"
    assert run(test, habits.StopsEarly(), index, StoppingContract) == wanted


@pytest.mark.parametrize("kind", [answers.RanksNothing, answers.RanksBackwards, answers.GivesAll])
def test_stopping_early_excuses_nothing_else(kind, index):
    assert run(CAUGHT_BY[kind], kind(), index, StoppingContract) == "failed"


def test_noise_may_be_declared(index):
    test = "test_the_same_question_has_the_same_ranking"
    assert run(test, habits.Counts(), index, NoisyContract) == "passed"


def test_one_without_depth_and_rank_found_is_asked_to_rank(index):
    class Plain:
        def rank(self, query, chunks, top_k):
            return Spoilt().rank(query, chunks, top_k)

    for test in sorted(set(CAUGHT_BY.values())):
        assert run(test, Plain(), index) == "passed"
