"""The contract kit is red on each of many broken chunkers, by the test that is meant to see it."""

import inspect

import pytest
from broken_chunkers import places, telling
from broken_chunkers.spoilt import Spoilt
from hypothesis import Phase, given, settings

from retrievo.testing.chunkers import ChunkerContract
from retrievo.testing.chunkers.samples import SIZES, TEXTS
from retrievo.testing.texts import ZOO

SPANS, ANY = "test_spans_are_exact_ordered_and_complete", "test_any_text_any_size_any_overlap"
SIZE, SAME = "test_no_chunk_is_over_the_size", "test_the_same_text_gives_the_same_chunks"
RANDOM, EMPTY = "test_spans_of_random_texts", "test_nothing_gives_one_empty_chunk"
LINE, WORK = "test_one_long_line", "test_work_grows_as_the_text_does"
CAUGHT_BY = {
    places.ChunksNothing: ["test_is_a_chunker"],
    places.IsOffByOne: [SPANS, RANDOM, ANY],
    places.CountsBytes: [SPANS, RANDOM, ANY],
    places.SearchesItsText: [SPANS],
    places.NormalizesLines: [SPANS],
    places.LosesTheRest: [SPANS, RANDOM, ANY, LINE],
    places.LosesOneCharacter: [SPANS, RANDOM, ANY, LINE],
    places.IsUnordered: [SPANS, RANDOM, ANY, LINE],
    places.RepeatsAll: [SPANS, RANDOM, ANY],
    places.OverlapsUnasked: [ANY],
    places.HasParentsElsewhere: [SPANS, ANY],
    places.HasEmptyParents: ["test_a_parent_is_of_the_same_document"],
    places.GivesNothing: [EMPTY, ANY],
    places.StripsNothing: [EMPTY],
    telling.JoinsTwo: [SIZE, ANY, LINE],
    telling.CountsWords: [SIZE, ANY],
    telling.CountsTheTitle: ["test_a_long_title_changes_no_promise"],
    telling.IgnoresTheOverlap: [ANY],
    telling.IgnoresTheSize: [SIZE, ANY, LINE],
    telling.WritesTheTitle: ["test_the_title_is_not_in_the_text"],
    telling.KeepsNoMetadata: [SPANS],
    telling.NumbersInMetadata: [SPANS],
    telling.IsOfAnotherDocument: [SPANS],
    telling.HasRandomIds: [SAME],
    telling.NumbersItsChunks: [SAME],
    telling.NamesByText: ["test_another_document_has_other_ids"],
    telling.Learns: [SAME],
    telling.Remembers: ["test_other_texts_between_change_nothing"],
    telling.CountsAgain: [WORK],
    telling.CutsLongLinesOff: [LINE],
}
TESTS = sorted({test for tests in CAUGHT_BY.values() for test in tests})
PAIRS = [(kind, test) for kind, tests in CAUGHT_BY.items() for test in tests]


class Contract(ChunkerContract):
    __test__ = False
    chunk_size = 32
    huge = 150_000
    kind = Spoilt

    def make(self, chunk_size, chunk_overlap):
        return self.kind(chunk_size, chunk_overlap)

    def make_with(self, tokenizer):
        return self.kind(tokenizer=tokenizer)


def unshrunk(contract):
    """The property as it is tested, without the time to find the smallest text that breaks it."""
    inner = getattr(ChunkerContract, ANY).hypothesis.inner_test

    @settings(deadline=None, max_examples=80, phases=[Phase.generate], database=None)
    @given(text=TEXTS, sizes=SIZES)
    def test(text, sizes):
        inner(contract, text, sizes)

    return test


def run(test, kind):
    """What becomes of the kit's test with every parameter: "passed", "skipped" or "failed"."""
    contract = Contract()
    contract.kind = kind
    function = unshrunk(contract) if test == ANY else getattr(contract, test)
    wanted = inspect.signature(function).parameters
    sets = [{}]
    for name, values in {"name": ZOO, "text": ["", " \n\t "]}.items():
        if name in wanted:
            sets = [{**one, name: value} for one in sets for value in values]
    fixtures = {"chunker": kind()} if "chunker" in wanted else {}
    try:
        for arguments in sets:
            function(**fixtures, **arguments)
    except pytest.skip.Exception:
        return "skipped"
    except Exception:
        return "failed"
    return "passed"


@pytest.mark.parametrize(("kind", "test"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_kit_sees_what_is_wrong(kind, test):
    assert run(test, kind) == "failed"


@pytest.mark.parametrize("test", TESTS)
def test_the_same_test_is_green_on_what_they_are_made_of(test):
    assert run(test, Spoilt) == "passed"


def test_no_test_of_the_kit_is_without_a_chunker_that_it_sees():
    tests = {name for name in dir(ChunkerContract) if name.startswith("test_")}
    assert tests == set(TESTS)


def test_what_is_not_given_is_skipped():
    class Bare(ChunkerContract):
        __test__ = False
        huge = None

    for test, arguments in ((ANY, []), (WORK, []), (LINE, [Spoilt()]), (SIZE, [Spoilt(), "code"])):
        with pytest.raises(pytest.skip.Exception):
            getattr(Bare(), test)(*arguments)


def test_a_test_of_the_kit_cannot_be_replaced():
    with pytest.raises(TypeError, match="would replace a test of the contract"):
        type("Mine", (ChunkerContract,), {SPANS: lambda self: None})


@pytest.mark.parametrize(
    "part", ["\x00", "\r\n", "\u0301", "\u200d", "\u2028", "\ud83d", "ש", "<s>", "ภ", "🇩🇪"]
)
def test_the_zoo_has_what_breaks_others(part):
    assert any(part in text for text in ZOO.values())
