import copy
import datetime
import json
import pickle
import re
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from filter_strategies import COMPARES, FILTERS, METADATA, VALUES
from hypothesis import given

from retrievo import filters
from retrievo.errors import FilterError
from retrievo.filters import MISSING, And, Compare, F, Filter, Not, Or, as_filter, lookup, matches

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "filters.md"
ROWS = re.findall(r"^\| `(.+)` \| `(\{.*\})` \| (true|false) \|$", PAGE.read_text(), re.MULTILINE)


def combine(filter, metadata, doc_id):
    """What a store does: one comparison at a time, then and, or, not."""
    if isinstance(filter, Compare):
        return filters.test_value(filter, lookup(metadata, filter.key, doc_id))
    if isinstance(filter, Not):
        return not combine(filter.part, metadata, doc_id)
    found = [combine(part, metadata, doc_id) for part in filter.parts]
    return all(found) if isinstance(filter, And) else any(found)


def test_every_row_of_the_reference_is_read():
    page = PAGE.read_text()
    assert len(ROWS) == len(re.findall(r"\| (?:true|false) \|$", page, re.MULTILINE)) > 80


@pytest.mark.parametrize(("text", "metadata", "result"), ROWS)
def test_the_table_of_the_reference(text, metadata, result):
    assert matches(as_filter(text), json.loads(metadata)) is (result == "true")


@given(FILTERS, METADATA)
def test_matches_combines_what_test_value_says(filter, metadata):
    assert matches(filter, metadata, "a") is combine(filter, metadata, "a")


@given(COMPARES, VALUES)
def test_no_value_makes_a_comparison_raise(compare, value):
    assert isinstance(filters.test_value(compare, value), bool)


@given(FILTERS, FILTERS, METADATA)
def test_de_morgan(a, b, metadata):
    assert matches(~(a & b), metadata) is matches(~a | ~b, metadata)
    assert matches(~(a | b), metadata) is matches(~a & ~b, metadata)
    assert matches(~~a, metadata) is matches(a, metadata)


@given(COMPARES, METADATA)
def test_complements_and_sums(compare, metadata):
    key, value = F(compare.key), compare.value
    if compare.op == "==":
        assert matches(key != value, metadata) is not matches(key == value, metadata)
    elif compare.op == "in":
        one_by_one = any(matches(key == one, metadata) for one in value)
        assert matches(compare, metadata) is one_by_one
    elif compare.op == "<=":
        either = matches((key < value) | (key == value), metadata)
        assert matches(compare, metadata) is either
    elif compare.op == ">=":
        either = matches((key > value) | (key == value), metadata)
        assert matches(compare, metadata) is either


@given(FILTERS)
def test_the_keys_are_those_of_the_comparisons(filter):
    def walk(node):
        if isinstance(node, Compare):
            return {node.key}
        parts = (node.part,) if isinstance(node, Not) else node.parts
        return set().union(*map(walk, parts))

    assert filters.keys(filter) == walk(filter)


@given(FILTERS)
def test_the_repr_is_the_python_that_makes_the_filter(filter):
    assert eval(repr(filter), {"F": F, "datetime": datetime}) == filter


@given(FILTERS)
def test_copies_are_equal_and_hash_alike(filter):
    for twin in (copy.deepcopy(filter), pickle.loads(pickle.dumps(filter))):
        assert twin == filter
        assert hash(twin) == hash(filter)


def test_python_builds_the_nodes():
    built = (F("year") >= 2020) & (F("lang") != "en") & F("tags").contains("x") | ~F("n").exists()
    assert built == Or(
        (
            And(
                (
                    Compare("year", ">=", 2020),
                    Not(Compare("lang", "==", "en")),
                    Compare("tags", "contains", "x"),
                )
            ),
            Not(Compare("n", "exists", True)),
        )
    )
    assert repr(built) == (
        "((F('year') >= 2020) & (F('lang') != 'en') & F('tags').contains('x')) | (~F('n').exists())"
    )
    assert isinstance(built, Filter)


def test_a_value_on_the_left_is_turned_around():
    assert (2020 <= F("year")) == Compare("year", ">=", 2020)
    assert (2020 > F("year")) == Compare("year", "<", 2020)
    assert ("en" == F("lang")) == Compare("lang", "==", "en")


def test_filters_are_equal_where_they_mean_the_same():
    assert Compare("a", "==", 1) == Compare("a", "==", 1.0)
    assert Compare("a", "==", 1) != Compare("a", "==", True)
    assert Compare("a", "==", 0) != Compare("a", "==", False)
    assert F("a").is_in([1, "x"]) == F("a").is_in({"x", 1})
    assert F("a").is_in([1]) != F("a").is_in([True])
    assert Compare("a", "==", "2020-01-01") != Compare("a", "==", datetime.date(2020, 1, 1))
    assert len({F("a") == 1, F("a") == 1, F("a") == True, F("b") == 1}) == 3  # noqa: E712


def test_values_become_plain_ones():
    class Lang(str, Enum):  # noqa: UP042
        EN = "en"

    class Day(datetime.datetime):
        pass

    for given_value, kept in (
        (Lang.EN, "en"),
        (np.int64(7), 7),
        (np.float64(0.5), 0.5),
        (Day(2020, 1, 2, 3), datetime.datetime(2020, 1, 2, 3)),
    ):
        value = (F("a") == given_value).value
        assert value == kept
        assert type(value) is type(kept)


def test_doc_id_is_the_documents_and_hides_the_metadata_key():
    wanted = F("doc_id") == "a.md"
    assert matches(wanted, {}, doc_id="a.md")
    assert not matches(wanted, {"doc_id": "a.md"}, doc_id="b.md")
    assert matches(wanted, {"doc_id": "a.md"})
    assert not matches(wanted, {})


def test_lookup_takes_the_key_then_the_path():
    metadata = {"a": {"b": {"c": 1}, "d": None}, "a.b": 2, "e": [{"f": 3}]}
    assert lookup(metadata, "a.b") == 2
    assert lookup(metadata, "a.b.c") == 1
    assert lookup(metadata, "a.d") is None
    for key in ("x", "a.x", "a.b.c.x", "e.f", "a.", ".a", "."):
        assert lookup(metadata, key) is MISSING


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: (F("a") == 1) and (F("b") == 2), "join filters with & | ~"),
        (lambda: (F("a") == 1) or (F("b") == 2), "join filters with & | ~"),
        (lambda: not (F("a") == 1), "join filters with & | ~"),
        (lambda: 1 < F("a") < 5, "two comparisons"),
        (lambda: F("a") == 1 & F("b") == 2, "parentheses around each"),
        (lambda: F("a") and F("b"), "compare it"),
        (lambda: ~F("a"), "compare it"),
        (lambda: (F("a") == 1) & F("b"), "compare it"),
        (lambda: (F("a") == 1) | 3, "cannot join a filter with 3"),
        (lambda: "x" in F("tags"), "F('tags').contains('x')"),
        (lambda: F(""), "key is ''"),
        (lambda: F(3), "key is 3"),
        (lambda: Compare("", "==", 1), "key is ''"),
        (lambda: F("a") == [1], "use is_in"),
        (lambda: F("a") == F("b"), "cannot compare with a F"),
        (lambda: F("a") == b"x", "cannot compare with a bytes"),
        (lambda: F("a") < float("inf"), "finite"),
        (lambda: F("a") == float("nan"), "finite"),
        (lambda: F("a") == 10**600, "600 digits"),
        (lambda: F("a") < None, "no meaning for None"),
        (lambda: F("a") >= True, "no meaning for True"),
        (lambda: F("a").is_in("en"), "takes a list"),
        (lambda: F("a").is_in(3), "takes a list"),
        (lambda: F("a").is_in([[1]]), "cannot compare with a list"),
        (lambda: Compare("a", "!=", 1), "unknown operator '!='"),
        (lambda: Compare("a", "exists", False), "negate it with ~"),
        (lambda: And((F("a") == 1,)), "And of 1 parts"),
        (lambda: Or(()), "Or of 0 parts"),
        (lambda: as_filter(3), "cannot make a filter of a int"),
        (lambda: as_filter(F("a")), "compare it"),
        (lambda: matches({"a": 1}, {}), "`as_filter` makes one"),
    ],
)
def test_what_is_unclear_is_refused_with_the_way_out(build, message):
    with pytest.raises(FilterError) as error:
        build()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_depth_ends_in_a_filter_error():
    deep = F("a") == 1
    for _ in range(filters.MAX_DEPTH - 1):
        deep = ~deep
    assert as_filter(str(deep)) == as_filter(deep.as_dict()) == deep
    assert isinstance(matches(deep, {}), bool)
    with pytest.raises(FilterError, match="nests deeper than 100"):
        deep.__invert__()


def test_side_by_side_is_not_depth():
    wide = F("a") == 0
    for value in range(1, 400):
        wide |= F("a") == value
    assert isinstance(wide, Or)
    assert len(wide.parts) == 400
    assert matches(wide, {"a": 399})
    assert as_filter(str(wide)) == wide


def test_as_filter_takes_what_is_already_one_and_nothing():
    wanted = F("a") == 1
    assert as_filter(wanted) is wanted
    assert as_filter(None) is None
    assert as_filter({}) is None
