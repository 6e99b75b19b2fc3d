"""The contract kit is red on each of many broken encoders, by the test that is meant to see it."""

import inspect

import pytest
from broken_encoders import rows, spans, telling
from broken_encoders.spoilt import Spoilt

from retrievo.encode.static import StaticEncoder
from retrievo.testing.encoders import EncoderContract
from retrievo.testing.encoders.arguments import _NO_TEXTS
from retrievo.testing.encoders.checking import VERBS
from retrievo.testing.texts import ZOO

CAUGHT_BY = {
    rows.GivesDoubles: "test_no_texts",
    rows.GivesTooFewNumbers: "test_no_texts",
    rows.GivesLists: "test_no_texts",
    rows.HasNoRoom: "test_is_an_encoder",
    rows.ForgetsToRestore: "test_a_row_for_each_text_in_order",
    rows.Centres: "test_a_text_alone_has_the_vector_that_it_has_in_a_batch",
    rows.RestoresBigBatchesWrongly: "test_a_big_batch_of_mixed_lengths",
    rows.ForgetsRepeats: "test_a_text_given_twice_has_two_equal_rows",
    rows.GivesAllTheSame: "test_different_texts_have_different_vectors",
    rows.IsNoisy: "test_the_same_texts_give_the_same_numbers",
    rows.WantsAList: "test_a_tuple_is_as_good_as_a_list",
    rows.ReadsTwice: "test_a_generator_is_taken_or_refused",
    rows.TakesAStr: "test_a_single_str_is_refused",
    rows.TakesAnything: "test_what_is_no_text_is_refused_by_its_position",
    rows.SaysNotWhich: "test_what_is_no_text_is_refused_by_its_position",
    rows.SortsInPlace: "test_the_texts_given_are_left_alone",
    rows.SharesItsBuffer: "test_the_array_is_the_callers",
    telling.DividesByZero: "test_an_empty_text_gives_a_zero_row_and_a_warning",
    telling.SaysNothingOfEmptyTexts: "test_an_empty_text_gives_a_zero_row_and_a_warning",
    telling.StacksNothing: "test_nothing_but_empty_texts",
    rows.GivesNaN: "test_any_text_gives_finite_numbers",
    telling.RefusesSurrogates: "test_any_text_gives_finite_numbers",
    telling.AlwaysWarns: "test_an_ordinary_text_is_told_of_nothing",
    telling.RecordsEverything: "test_an_ordinary_text_is_told_of_nothing",
    telling.CutsSilently: "test_what_is_not_read_of_a_long_text_is_told",
    telling.RecordsNoLoss: "test_what_is_not_read_of_a_long_text_is_told",
    telling.RecordsAndNeverWarns: "test_what_is_not_read_of_a_long_text_is_told",
    telling.WarnsInsteadOfRecording: "test_what_is_not_read_of_a_long_text_is_told",
    telling.Overflows: "test_what_is_not_read_of_a_long_text_is_told",
    telling.IsRestless: "test_the_fingerprint_is_a_text_that_stays",
    telling.IsItsName: "test_what_changes_vectors_changes_the_fingerprint",
    telling.CountsItsBatchSize: "test_what_changes_no_vector_keeps_the_fingerprint",
    telling.RoundsForSpeed: "test_what_changes_no_vector_keeps_the_fingerprint",
    telling.TellsInNumpy: "test_identity_can_be_kept_as_json",
    telling.ClaimsUnitLength: "test_vectors_are_of_unit_length_where_identity_says_so",
    telling.IgnoresItsPrompts: "test_query_and_document_are_told_apart",
    rows.KeepsBetweenSteps: "test_threads_at_once_get_what_one_gets",
    telling.SpansAreOff: "test_token_spans_are_inside_the_text_and_in_order",
    telling.SpansOfNothing: "test_an_empty_text_has_no_tokens",
    spans.SkipsEmptySpans: "test_each_span_has_a_row",
    spans.SortsSpans: "test_spans_come_in_the_order_given",
    spans.ReadsNothingAround: "test_a_span_is_read_in_its_text",
    spans.TripsOverNul: "test_any_text_has_spans",
    spans.TakesAnySpan: "test_a_span_outside_of_its_text_is_refused",
}
SOUND_TEST = {
    telling.IsRestless: "test_no_texts",
    rows.GivesDoubles: "test_an_empty_text_has_no_tokens",
    rows.GivesTooFewNumbers: "test_an_empty_text_has_no_tokens",
    rows.GivesLists: "test_an_empty_text_has_no_tokens",
}
"""A test that the defect does not touch, where encoding nothing is one that it does."""


class Contract(EncoderContract):
    __test__ = False
    sides = None


class AlikeContract(Contract):
    sides = "alike"


def run(test, kind, contract=Contract, **given):
    """What becomes of the kit's test with every parameter: "passed", "skipped" or "failed"."""
    function = getattr(contract(), test)
    wanted = inspect.signature(function).parameters
    values = {"verb": VERBS, "what": _NO_TEXTS, "name": ZOO}
    sets = [{}]
    for name in wanted:
        if name in values:
            sets = [{**one, name: value} for one in sets for value in values[name]]
    given = {"encoder": kind(), "variants": {}, "same": {}, **given}
    given = {name: value for name, value in given.items() if name in wanted}
    try:
        for arguments in sets:
            function(**given, **arguments)
    except pytest.skip.Exception:
        return "skipped"
    except (Exception, pytest.fail.Exception):
        return "failed"
    return "passed"


def other_encoders(kind):
    """What an author of the encoder would give as fixtures."""
    narrow = StaticEncoder(truncate_dim=64)
    narrow = telling.IsItsName() if kind is telling.IsItsName else narrow
    batched = kind in (telling.CountsItsBatchSize, telling.RoundsForSpeed)
    return {"variants": {"64": narrow}, "same": {"again": kind(64) if batched else kind()}}


@pytest.mark.parametrize("kind", CAUGHT_BY, ids=lambda kind: kind.__name__)
def test_the_kit_sees_what_is_wrong(kind):
    assert run(CAUGHT_BY[kind], kind, **other_encoders(kind)) == "failed"
    assert run(SOUND_TEST.get(kind, "test_no_texts"), kind) == "passed"


@pytest.mark.parametrize("test", sorted(set(CAUGHT_BY.values())))
def test_the_same_test_is_green_on_what_they_are_made_of(test):
    contract = AlikeContract if test == CAUGHT_BY[telling.IgnoresItsPrompts] else Contract
    assert run(test, Spoilt, contract, **other_encoders(Spoilt)) == "passed"


def test_no_test_of_the_kit_is_without_an_encoder_that_it_sees():
    tests = {name for name in dir(EncoderContract) if name.startswith("test_")}
    assert tests == set(CAUGHT_BY.values())


def test_a_text_that_is_cut_may_be_told():
    assert run("test_what_is_not_read_of_a_long_text_is_told", telling.CutsAndWarns) == "passed"


def test_sides_that_are_said_to_be_alike():
    class Sided(StaticEncoder):
        def encode_query(self, texts):
            return -super().encode_query(texts)

    sides = "test_query_and_document_are_told_apart"
    assert run(sides, StaticEncoder, AlikeContract) == "passed"
    assert run(sides, Sided, AlikeContract) == "failed"
    assert run(sides, StaticEncoder) == "skipped"


def test_what_other_encoders_would_show_is_skipped_without_them():
    assert run("test_what_changes_vectors_changes_the_fingerprint", StaticEncoder) == "skipped"
    assert run("test_what_changes_no_vector_keeps_the_fingerprint", StaticEncoder) == "skipped"


def test_a_service_may_be_as_noisy_as_it_says():
    class Service(Contract):
        noise = 1e-5

    same = "test_the_same_texts_give_the_same_numbers"
    assert run(same, rows.IsNoisy, Service) == "passed"
    assert run(same, rows.Centres, Service) == "passed"


def test_a_test_of_the_kit_cannot_be_replaced():
    with pytest.raises(TypeError, match="would replace a test of the contract"):
        type("Mine", (EncoderContract,), {"test_no_texts": lambda self: None})
