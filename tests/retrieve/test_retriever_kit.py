"""The contract kit is red on each broken retriever, by the test that is meant to see it."""

import inspect

import pytest
from broken_retrievers import lists, scores
from broken_retrievers.spoilt import Spoilt

from retrievo.retrieve.bm25 import Bm25Retriever
from retrievo.store.memory.store import MemoryStore
from retrievo.testing.retrievers import QUERIES, RetrieverContract
from retrievo.testing.retrievers.hooks import Held
from retrievo.testing.retrievers.samples import items
from retrievo.testing.retrievers.scoping import FILTERS
from retrievo.testing.texts import ZOO

CAUGHT_BY = {
    scores.LooksAtNothing: "test_is_a_retriever",
    scores.PromisesMoreThanItGives: "test_representations_are_what_represent_gives",
    scores.LeavesOutShortChunks: "test_representations_are_what_represent_gives",
    scores.ChangesItsSpace: "test_representations_stay_the_same",
    lists.GivesTheWorstFirst: "test_rows_are_best_first_and_each_once",
    lists.GivesARowTwice: "test_rows_are_best_first_and_each_once",
    lists.GivesMoreThanAsked: "test_at_most_depth_rows_and_the_best_of_them",
    lists.DropsTheBest: "test_at_most_depth_rows_and_the_best_of_them",
    lists.AlwaysSaysThatThisIsAll: "test_exhaustive_is_the_truth",
    lists.NeverSaysThatThisIsAll: "test_exhaustive_is_the_truth",
    lists.KeepsWhatItFound: "test_what_is_written_is_found_and_what_is_deleted_is_not",
    lists.FailsOnAnEmptyIndex: "test_an_empty_index",
    scores.ScoresOnAnotherScale: "test_score_equals_search",
    scores.ScoresInTheStoresOrder: "test_score_equals_search",
    scores.ScoresTheFirstQueryOnly: "test_score_takes_any_row_and_any_number_of_queries",
    scores.BoundsTooLow: "test_the_bound_is_never_exceeded",
    scores.ForgetsATokensScore: "test_token_scores_add_up",
    scores.PlacesTokensInTheContext: "test_token_scores_add_up",
    lists.FiltersBehindTheDepth: "test_filters_are_honoured",
    lists.FindsOtherTenantsRows: "test_a_tenant_finds_its_own",
    lists.RescalesWhatIsFiltered: "test_a_filter_changes_no_score",
    lists.StumblesOverNothing: "test_no_queries",
    lists.GivesNaNForNothing: "test_an_empty_query",
    lists.WantsAscii: "test_any_text_is_a_query",
    lists.DependsOnItsBatch: "test_many_at_once_find_what_each_finds_alone",
    lists.SwapsQueries: "test_many_at_once_find_what_each_finds_alone",
    lists.IsRestless: "test_the_same_query_finds_the_same",
}
FOUND = [*QUERIES, "the key key vault vault", "the key of the key"]


def held(retriever, *, filled):
    made = Held(retriever._store, retriever)
    made.open()
    if filled:
        made.write(items())
    return made


def failures(kind, name):
    """What the test of this name says of a retriever, with every value of its parameters."""
    test = getattr(RetrieverContract, name)
    wanted = list(inspect.signature(test).parameters)[1:]
    found = []
    names = FILTERS if "text" in wanted else ZOO
    texts = ["", " \n\t"] if name == "test_an_empty_query" else FOUND
    for text in texts if "text" in wanted else [None]:
        for one in names if "name" in wanted else [None]:
            arguments = {"text": text, "name": one}
            for part in ("held", "empty"):
                if part in wanted:
                    arguments[part] = None
            given = {key: value for key, value in arguments.items() if key in wanted}
            try:
                for part in ("held", "empty"):
                    if part in given:
                        given[part] = held(kind(MemoryStore()), filled=part == "held")
                test(RetrieverContract(), **given)
            except (Exception, pytest.skip.Exception) as error:
                found.append(error)
    return found


@pytest.mark.parametrize("kind", CAUGHT_BY, ids=lambda kind: kind.__name__)
def test_the_kit_sees_what_is_wrong(kind):
    assert failures(kind, CAUGHT_BY[kind]), f"{CAUGHT_BY[kind]} is green on {kind.__name__}"


def names():
    return [name for name in dir(RetrieverContract) if name.startswith("test_")]


@pytest.mark.parametrize("name", names())
def test_a_right_one_passes_and_each_test_has_a_retriever_that_fails_it(name):
    assert name in CAUGHT_BY.values(), f"no broken retriever shows that {name} can fail"
    assert not failures(Bm25Retriever, name)


def test_every_broken_retriever_is_used():
    there = {
        kind
        for module in (lists, scores)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Spoilt) and kind is not Spoilt
    }
    assert there == set(CAUGHT_BY)
