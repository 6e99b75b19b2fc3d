"""The contract of fusions, by the built-in ones; and red on each of many broken ones."""

import inspect

import pytest
from broken_fusions import lists, weighing
from broken_fusions.spoilt import Spoilt

from retrievo.fuse.convex import Convex
from retrievo.fuse.distribution import DistributionBased
from retrievo.fuse.gated import Gated
from retrievo.fuse.learned import Learned, LearnedWeights
from retrievo.fuse.reciprocal import ReciprocalRank
from retrievo.testing.fusions import FusionContract
from retrievo.testing.fusions.silence import NONSENSE, SILENT

BUILT_IN = {
    "bound": Convex,
    "min-max": lambda: Convex(normalise="min-max"),
    "z-score": lambda: Convex(normalise="z-score"),
    "atan": lambda: Convex(normalise="atan"),
    "auto": lambda: Convex("auto"),
    "weights": lambda: Convex({"dense": 0.3, "bm25": 0.7}),
    "rrf": ReciprocalRank,
    "dbsf": DistributionBased,
    "dbsf completed": lambda: DistributionBased(complete=True),
    "gated": Gated,
}


class TestBuiltIn(FusionContract):
    @pytest.fixture(params=BUILT_IN)
    def fusion(self, request):
        return BUILT_IN[request.param]()


class TestLearned(FusionContract):
    @pytest.fixture
    def fusion(self, tmp_path):
        weights = {"score": 3.0, "relative": 1.0, "rank": 2.0}
        path = tmp_path / "fusion.json"
        LearnedWeights({"dense": weights, "bm25": weights}, 9).write(path)
        return Learned(path)


CAUGHT_BY = {
    lists.SaysItInWords: "test_is_a_fusion",
    lists.GivesDoubles: "test_dtypes_and_shapes",
    lists.KeepsWhatAllFound: "test_each_row_that_a_branch_has_comes_once",
    lists.PutsTheWorstFirst: "test_the_best_come_first",
    lists.CutsBeforeItFuses: "test_top_k_gives_the_best_of_all",
    lists.CutsTies: "test_what_ties_with_the_last_is_kept",
    lists.ForgetsWeightsInItsAccount: "test_contributions_add_up_to_the_score",
    lists.RanksWhatWasScoredAfterwards: "test_the_account_has_each_branchs_rank_and_score",
    lists.IsNoisy: "test_the_same_lists_give_the_same_answer",
    lists.NormalisesInPlace: "test_the_lists_given_are_left_alone",
    lists.TrustsTheFirst: "test_the_order_of_the_branches_does_not_matter",
    lists.CountsRowsInFloats: "test_row_numbers_of_any_size",
    lists.AsksForTheBest: "test_both_found_nothing",
    weighing.RanksWhatIsEqual: ("test_a_branch_that_says_nothing_leaves_the_other_in_its_order"),
    weighing.PassesNaNOn: "test_scores_that_are_no_numbers_do_no_harm_and_are_told_of",
    weighing.SaysNothingOfNaN: "test_scores_that_are_no_numbers_do_no_harm_and_are_told_of",
    weighing.DropsTheBranchForOneNaN: "test_rows_with_a_good_score_stay_where_others_have_none",
    weighing.IgnoresWeights: "test_one_weight_alone_gives_the_order_of_its_branch",
    weighing.CutsWeightsAtOne: "test_the_branch_of_more_weight_decides",
    weighing.KeepsTheWeightsOfAQuery: "test_weights_of_one_query_do_not_stay",
    weighing.TakesAnyWeight: "test_a_weight_that_cannot_be_is_refused",
    weighing.MindsNoNames: "test_weights_of_other_branches_are_refused",
}


class Contract(FusionContract):
    __test__ = False


def run(test, fusion):
    """What becomes of the kit's test with every parameter: "passed", "skipped" or "failed"."""
    function = getattr(Contract(), test)
    wanted = inspect.signature(function).parameters
    values = {
        "what": SILENT if "nothing" in test else NONSENSE,
        "first": (True, False),
        "at": (0, 1),
        "weight": (-1.0, float("nan"), float("inf")),
    }
    sets = [{}]
    for name in wanted:
        if name in values:
            sets = [{**one, name: value} for one in sets for value in values[name]]
    try:
        for arguments in sets:
            function(fusion=fusion(), **arguments)
    except pytest.skip.Exception:
        return "skipped"
    except (Exception, pytest.fail.Exception):
        return "failed"
    return "passed"


@pytest.mark.parametrize("kind", CAUGHT_BY, ids=lambda kind: kind.__name__)
def test_the_kit_sees_what_is_wrong(kind):
    assert run(CAUGHT_BY[kind], kind) == "failed"
    sound = "test_dtypes_and_shapes" if kind is not lists.GivesDoubles else "test_is_a_fusion"
    assert run(sound, kind) == "passed"


@pytest.mark.parametrize("test", sorted(set(CAUGHT_BY.values())))
def test_the_same_test_is_green_on_what_they_are_made_of(test):
    assert run(test, Spoilt) == "passed"


def test_no_test_of_the_kit_is_without_a_fusion_that_it_sees():
    tests = {name for name in dir(FusionContract) if name.startswith("test_")}
    assert tests == set(CAUGHT_BY.values())


def test_weights_are_skipped_where_there_are_none():
    class Fixed:
        def fuse(self, branches, top_k):
            return Convex().fuse(branches, top_k)

    assert run("test_weights_of_one_query_do_not_stay", Fixed) == "skipped"
    assert run("test_is_a_fusion", Fixed) == "passed"
