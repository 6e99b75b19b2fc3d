import json
from datetime import UTC, date, datetime

import pytest
from filter_strategies import FILTERS
from hypothesis import example, given
from hypothesis import strategies as st

from retrievo.errors import FilterError
from retrievo.filters import Compare, F, Filter, Not, as_filter


@given(FILTERS)
@example(~F("$id").contains("x"))
@example(~F("$id").exists())
@example(F("$date") == date(2020, 1, 1))
def test_written_as_json_and_read_gives_an_equal_filter(filter):
    assert as_filter(json.loads(json.dumps(filter.as_dict()))) == filter


@given(FILTERS)
def test_dict_and_text_say_the_same(filter):
    assert str(as_filter(filter.as_dict())) == str(filter)


NAMES = st.sampled_from(["$and", "$or", "$not", "$eq", "$in", "$date", "field", "operator", "a"])
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NAMES,
    lambda inner: st.lists(inner) | st.dictionaries(NAMES | st.text() | st.integers(), inner),
)


@given(st.dictionaries(NAMES, ODD, min_size=1))
def test_any_dict_gives_a_filter_or_a_filter_error(given_dict):
    try:
        found = as_filter(given_dict)
    except FilterError as error:
        assert str(error)
    else:
        assert isinstance(found, Filter)


@pytest.mark.parametrize(
    ("given_dict", "filter"),
    [
        ({"year": 2020}, F("year") == 2020),
        ({"year": None}, Compare("year", "==", None)),
        ({"year": {"$gte": 2020, "$lt": 2024}}, (F("year") >= 2020) & (F("year") < 2024)),
        ({"year": 2020, "lang": "en"}, (F("year") == 2020) & (F("lang") == "en")),
        ({"a": {"$eq": 1}}, F("a") == 1),
        ({"a": {"$ne": 1}}, Not(Compare("a", "==", 1))),
        ({"a": {"$gt": 1}}, F("a") > 1),
        ({"a": {"$lte": 1}}, F("a") <= 1),
        ({"a": {"$in": [1, "x"]}}, F("a").is_in([1, "x"])),
        ({"a": {"$nin": (1, "x")}}, ~F("a").is_in([1, "x"])),
        ({"a": {"$contains": "x"}}, F("a").contains("x")),
        ({"a": {"$exists": True}}, F("a").exists()),
        ({"a": {"$exists": False}}, ~F("a").exists()),
        ({"$and": [{"a": 1}, {"b": 2}]}, (F("a") == 1) & (F("b") == 2)),
        ({"$or": [{"a": 1}, {"b": 2, "c": 3}]}, (F("a") == 1) | ((F("b") == 2) & (F("c") == 3))),
        ({"$and": [{"a": 1}]}, F("a") == 1),
        ({"$not": {"a": {"$lt": 1}}}, ~(F("a") < 1)),
        ({"a": 1, "$or": [{"b": 2}, {"c": 3}]}, (F("a") == 1) & ((F("b") == 2) | (F("c") == 3))),
        ({"a": {"$date": "2020-01-31"}}, F("a") == date(2020, 1, 31)),
        (
            {"a": {"$lt": {"$date": "2020-01-31T12:00Z"}}},
            F("a") < datetime(2020, 1, 31, 12, 0, 0, 0, UTC),
        ),
        ({"a": date(2020, 1, 31)}, F("a") == date(2020, 1, 31)),
        ({"field": "meta.year", "operator": ">=", "value": 2020}, F("year") >= 2020),
        ({"field": "meta.a.b", "operator": "!=", "value": 1}, F("a.b") != 1),
        ({"field": "a", "operator": "in", "value": [1]}, F("a").is_in([1])),
        ({"field": "a", "operator": "not in", "value": [1]}, ~F("a").is_in([1])),
        (
            {
                "operator": "AND",
                "conditions": [
                    {"field": "meta.a", "operator": "==", "value": 1},
                    {
                        "operator": "or",
                        "conditions": [
                            {"field": "meta.b", "operator": "<", "value": 2},
                            {"field": "meta.c", "operator": "<=", "value": 3},
                        ],
                    },
                ],
            },
            (F("a") == 1) & ((F("b") < 2) | (F("c") <= 3)),
        ),
        (
            {
                "operator": "NOT",
                "conditions": [
                    {"field": "a", "operator": ">", "value": 1},
                    {"field": "b", "operator": "==", "value": 2},
                ],
            },
            ~((F("a") > 1) & (F("b") == 2)),
        ),
        ({"operator": "ACME", "year": 2020}, (F("operator") == "ACME") & (F("year") == 2020)),
    ],
)
def test_the_dict_forms(given_dict, filter):
    assert as_filter(given_dict) == filter


def test_what_as_dict_writes():
    filter = ((F("year") >= 2020) & (F("lang") != "en")) | ~F("n").exists()
    assert filter.as_dict() == {
        "$or": [
            {"$and": [{"year": {"$gte": 2020}}, {"lang": {"$ne": "en"}}]},
            {"n": {"$exists": False}},
        ]
    }
    assert (F("d") < date(2020, 1, 31)).as_dict() == {"d": {"$lt": {"$date": "2020-01-31"}}}


@pytest.mark.parametrize(
    ("given_dict", "message"),
    [
        ({"a": {"$neq": 1}}, "unknown operator '$neq' of 'a'; did you mean '$ne'?"),
        ({"a": {"gte": 1}}, "unknown operator 'gte' of 'a'; did you mean '$gte'?"),
        ({"a": {"$regex": "x"}}, "known are $eq, $ne"),
        ({"author": {"zip": 1}}, "for nested metadata write the key 'author.zip'"),
        ({"$adn": [{"a": 1}]}, "did you mean '$and'?"),
        ({"field": "a", "operator": "=>", "value": 1}, "did you mean '>='?"),
        ({"operator": "XOR", "conditions": [{"a": 1}]}, "known are AND, OR, NOT"),
        ({"field": "a", "operator": ">="}, "is no comparison"),
        ({"field": 1, "operator": ">=", "value": 1}, "is no comparison"),
        ({"a": {}}, "'a' has no operator"),
        ({"a": [1, 2]}, "{'a': {'$in': [...]}}"),
        ({"a": {"$in": "en"}}, "$in of 'a' takes a list"),
        ({"a": {"$exists": 1}}, "$exists of 'a' takes true or false"),
        ({"a": {"$date": "soon"}}, "'soon' is no date"),
        ({"a": {"$lt": {"$date": 3}}}, "3 is no date"),
        ({"a": {"$lt": {"x": 3}}}, "cannot compare with a dict"),
        ({"$and": []}, "$and takes a list of conditions"),
        ({"$or": {"a": 1}}, "$or takes a list of conditions"),
        ({"$not": {}}, "a condition is wanted"),
        ({"$and": [{}, {"a": 1}]}, "a condition is wanted"),
        ({"$and": ["a == 1"]}, "a condition is wanted"),
        ({1: 2}, "the key 1 is not a str"),
        ({"": 2}, "key is ''"),
    ],
)
def test_errors_name_the_place_and_the_way_out(given_dict, message):
    with pytest.raises(FilterError) as error:
        as_filter(given_dict)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_dict_that_holds_itself_ends_in_a_filter_error():
    endless = {}
    endless["$not"] = endless
    with pytest.raises(FilterError, match="nests deeper than 100"):
        as_filter(endless)
