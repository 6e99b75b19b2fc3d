"""A filter by columns says what the evaluator says of each row, before and after changes."""

import json
from datetime import date

import numpy as np
import pytest
from filter_strategies import COMPARES, FILTERS, KEYS, METADATA, SCALARS, VALUES
from hypothesis import example, given
from hypothesis import strategies as st

from retrievo.filters import MISSING, Compare, F, lookup, matches
from retrievo.filters import test_value as accepts
from retrievo.store.columns.columns import Columns, compared_keys
from retrievo.store.columns.distinct import DistinctValues
from retrievo.store.local.metadata_reading import finder

ROWS = st.dictionaries(st.integers(0, 30), st.tuples(st.sampled_from("abc"), METADATA), max_size=12)
GONE = st.lists(st.integers(0, 30), max_size=6)
ALIKE = [1, 1.0, True, "1", 0, -0.0, False, None, "", [], [1], [True], {}, {"a": 1}, 10**599, 1e300]


def source_of(known):
    return lambda: ((row, *known[row]) for row in sorted(known))


def columns_of(known):
    return Columns(np.array(sorted(known), np.int64), source_of(known))


def found(known, filters):
    return [row for row in sorted(known) if matches(filters, known[row][1], known[row][0])]


@given(
    st.lists(VALUES | SCALARS.filter(lambda v: v is None or isinstance(v, (str, int, float)))),
    st.lists(COMPARES, min_size=1, max_size=5),
)
@example(ALIKE, [Compare("a", "==", value) for value in ALIKE[:9]])
@example(ALIKE, [Compare("a", "in", (1, "1", None)), Compare("a", "contains", 1)])
@example(
    [*ALIKE, float("nan"), "2020-01-01", ["2019-12-31"], [2, "b"], "soon"],
    [
        Compare("a", op, value)
        for op in ("<", "<=", ">", ">=")
        for value in (0, 1, 0.5, 10**599, "1", date(2020, 1, 1))
    ],
)
@example(
    ["2020-01-01", "2020-01-01T02:00+02:00", "soon", ["2020-01-01"]],
    [Compare("a", "contains", date(2020, 1, 1)), Compare("a", "contains", "2020")],
)
def test_an_index_of_values_accepts_what_test_value_does(values, compares):
    few, many = DistinctValues(few=10**9), DistinctValues(few=0)
    for distinct in (few, many):
        numbers = [distinct.number(value) for value in values]
        for value, number in zip(values, numbers, strict=True):
            assert json.dumps(distinct.values[number]) in (json.dumps(value), "0.0", "-0.0")
    for compare in compares:
        expected = [accepts(compare, value) for value in few.values]
        assert few.accepted(compare).tolist() == expected
        assert many.accepted(compare).tolist() == expected, compare


@given(st.lists(VALUES, max_size=5), st.lists(VALUES, max_size=5), COMPARES)
def test_an_index_of_values_takes_in_new_ones(first, then, compare):
    distinct = DistinctValues(few=0)
    for part in (first, then):
        for value in part:
            distinct.number(value)
        expected = [accepts(compare, value) for value in distinct.values]
        assert distinct.accepted(compare).tolist() == expected


@given(ROWS, st.lists(st.tuples(ROWS, GONE), max_size=3), st.lists(FILTERS, min_size=1, max_size=3))
def test_columns_follow_changes(known, changes, filters):
    columns = columns_of(known)
    for now, gone in [({}, []), *changes]:
        known = {row: entry for row, entry in known.items() if row not in gone} | now
        columns = columns.after({**dict.fromkeys(gone), **now}, source_of(known))
        assert columns.rows.tolist() == sorted(known)
        for one in filters:
            matching = columns.matching(one)
            assert matching.rows.tolist() == found(known, one)
            assert matching.total == len(known)


def test_a_change_reads_nothing_but_what_changed():
    known = {row: ("d", {"n": row}) for row in range(1000)}
    columns = columns_of(known)
    assert columns.matching(F("n") < 3).rows.tolist() == [0, 1, 2]

    def no_source():
        raise AssertionError("all metadata were read again")

    columns = columns.after({1: None, 2: ("d", {"n": 7000}), 1000: ("d", {"n": 1})}, no_source)
    assert columns.matching(F("n") < 3).rows.tolist() == [0, 1000]
    assert columns.matching(F("n") == 7000).rows.tolist() == [2]


def test_columns_of_before_a_change_stay_as_they_were():
    before = columns_of({1: ("d", {"n": 1}), 2: ("d", {"n": 2})})
    assert before.matching(F("n") == 2).rows.tolist() == [2]
    after = before.after({2: ("d", {"n": 3})})
    assert before.matching(F("n") <= 2).rows.tolist() == [1, 2]
    assert after.matching(F("n") <= 2).rows.tolist() == [1]


@pytest.mark.parametrize(("n", "dtype"), [(255, "uint8"), (256, "uint16"), (65536, "uint32")])
def test_codes_are_as_small_as_they_fit(n, dtype):
    # One number more is that of MISSING.
    columns = columns_of({row: ("d", {"n": row}) for row in range(n)})
    assert len(columns.matching(F("n") >= 0).rows) == n
    assert columns.held()["n"].codes.dtype == dtype


def test_values_that_no_row_has_any_more_are_dropped():
    columns = columns_of({row: ("d", {"n": row}) for row in range(3)})
    columns.matching(F("n") == 0)
    for n in range(3, 3000, 3):
        columns = columns.after({row: ("d", {"n": n + row}) for row in range(3)})
    column = columns.held()["n"]
    assert len(column.distinct) < 1100
    assert [column.distinct.values[code] for code in column.codes] == [2997, 2998, 2999]


def test_keys_that_no_row_has_are_named_once():
    columns = columns_of({1: ("d", {"a": 1, "deep": {"key": None}}), 5: ("e", {"b": 2})})
    wanted = (F("x") == 1) | ((F("a") != 1) & (F("deep.key") == 1)) | ~(F("x") > 2)
    assert columns.missing_keys(wanted) == ["x"]
    assert columns.missing_keys(wanted, np.array([5])) == ["x", "a", "deep.key"]
    assert columns.missing_keys(~F("x").exists() & (F("doc_id") == "z")) == []
    assert columns_of({}).missing_keys(wanted) == []
    assert columns.missing_keys(wanted, np.array([], np.int64)) == []


@given(KEYS, METADATA)
@example("a", {"x": {"a": 1}, "a": 2})
@example("a", {"x": 'say "a":3', "a": [1, {"a": 4}]})
@example('q"a', {'q"a': 1, "a": 2})
@example('"a', {'q"a': 1})
@example("a.b", {"a": {"b": 1}, "x": {"a.b": 2}})
@example("a", {"x": "{", "a": 1.0})
def test_one_key_of_a_json_text_is_what_lookup_finds(key, metadata):
    text = json.dumps(metadata, separators=(",", ":"))
    value = finder(key)(text)
    wanted = lookup(json.loads(text), key)
    assert (value is MISSING) == (wanted is MISSING)
    if wanted is not MISSING:
        assert json.dumps(value) == json.dumps(wanted)


def test_compared_keys_leave_out_those_only_asked_to_exist():
    assert compared_keys((F("a") == 1) & ~F("b").exists() & (F("c") > 1)) == ["a", "c"]
