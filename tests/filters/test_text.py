from datetime import UTC, date, datetime

import pytest
from filter_strategies import FILTERS
from hypothesis import example, given
from hypothesis import strategies as st

from retrievo.errors import FilterError
from retrievo.filters import And, Compare, F, Filter, Not, Or
from retrievo.filters.text import format_filter, parse_filter


def comparisons(filter):
    if isinstance(filter, Compare):
        return [filter]
    parts = (filter.part,) if isinstance(filter, Not) else filter.parts
    return [compare for part in parts for compare in comparisons(part)]


@given(FILTERS)
@example(Compare("a", "==", "\ud83d\ude00"))
@example(Compare("a\\`\n'\"", "==", "\\`\n'\"\0\x7f"))
@example(Not(Not(And((Or((F("a") == 1, F("b") == 2)), Not(F("c") < 3))))))
def test_printed_and_read_gives_an_equal_filter(filter):
    again = parse_filter(str(filter))
    assert again == filter
    for old, new in zip(comparisons(filter), comparisons(again), strict=True):
        # Equal filters may hold 1 and 1.0; the text keeps which it was.
        assert repr(new.value) == repr(old.value)


@given(st.text() | st.text(alphabet="ab=<>!&|~()[],\"'`\\ 1.e-x"))
def test_any_text_gives_a_filter_or_a_filter_error(text):
    try:
        found = parse_filter(text)
    except FilterError as error:
        assert "at character" in str(error)
    else:
        assert isinstance(found, Filter)


@pytest.mark.parametrize(
    ("text", "filter"),
    [
        (
            'section == "games" and installed_size_kb < 5000',
            (F("section") == "games") & (F("installed_size_kb") < 5000),
        ),
        ("a = 1", F("a") == 1),
        ("a==1", F("a") == 1),
        ("a != 1", F("a") != 1),
        ("a<=-5", F("a") <= -5),
        ("a >= 2.5", F("a") >= 2.5),
        ("a > +1e-3", F("a") > 0.001),
        ("a < .5", F("a") < 0.5),
        ("a == TRUE", Compare("a", "==", True)),
        ("a == False", Compare("a", "==", False)),
        ("a != Null", Not(Compare("a", "==", None))),
        ('a in ["x", 1, null]', F("a").is_in(["x", 1, None])),
        ("a in []", F("a").is_in([])),
        ('a NOT IN ["x"]', ~F("a").is_in(["x"])),
        ('a contains "x"', F("a").contains("x")),
        ('a not contains "x"', ~F("a").contains("x")),
        ("a exists", F("a").exists()),
        ("exists a", F("a").exists()),
        ("exists(a)", F("a").exists()),
        ("not exists a", ~F("a").exists()),
        ("a not exists", ~F("a").exists()),
        ("a == 1 or b == 2 and c == 3", (F("a") == 1) | ((F("b") == 2) & (F("c") == 3))),
        ("(a == 1 or b == 2) and c == 3", ((F("a") == 1) | (F("b") == 2)) & (F("c") == 3)),
        ("a == 1 | b == 2 & c == 3", (F("a") == 1) | ((F("b") == 2) & (F("c") == 3))),
        ("a == 1 || !b == 2 && ~c < 3", (F("a") == 1) | ((F("b") != 2) & ~(F("c") < 3))),
        ("not a < 1 and b == 2", ~(F("a") < 1) & (F("b") == 2)),
        ("not (a < 1 and b == 2)", ~((F("a") < 1) & (F("b") == 2))),
        ("not not a < 1", ~~(F("a") < 1)),
        ('date == date("2020-01-31")', F("date") == date(2020, 1, 31)),
        ("d < Date ( '2020-01-31T12:00Z' )", F("d") < datetime(2020, 1, 31, 12, tzinfo=UTC)),
        ("author.name-2/x == 'Ada'", F("author.name-2/x") == "Ada"),
        ("größe > 1", F("größe") > 1),
        ("`weird key` == 1", F("weird key") == 1),
        ("`in` in [1]", F("in").is_in([1])),
        (r"`a\`b` == 1", F("a`b") == 1),
        (r'a == "q\"\\\n\u00e9\ud83d\ude00\/"', F("a") == 'q"\\\né😀/'),
        (r"a == 'it\'s \"x\"'", F("a") == 'it\'s "x"'),
        ("true == 1", F("true") == 1),
        ("\n a\t==\n1 \n", F("a") == 1),
    ],
)
def test_the_grammar(text, filter):
    assert parse_filter(text) == filter


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        (
            ((F("a") == 1) | ~F("b").is_in(["x", 2.5])) & ~F("c d").contains('"'),
            r'(a == 1 or b not in ["x", 2.5]) and `c d` not contains "\""',
        ),
        ((F("a") != 1) & ~(F("b") < True + 0), "a != 1 and not b < 1"),
        (~((F("a") == 1) & F("b").exists()), "not (a == 1 and b exists)"),
        (F("a") == date(2020, 1, 31), 'a == date("2020-01-31")'),
        (Compare("not", "==", None), "`not` == null"),
        (Compare("a", "==", False), "a == false"),
    ],
)
def test_how_a_filter_is_printed(filter, text):
    assert format_filter(filter) == str(filter) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at character 1: found the end, wanted a metadata key"),
        ("year", "at character 5: found the end, wanted an operator"),
        ("year >> 3", "at character 7: found '>', wanted a value"),
        ("section == games", "at character 12: found 'games', wanted a value (a text in quotes"),
        ("a == 5kb", "at character 6: found '5kb', wanted a number"),
        ("a == 'x", 'at character 6: found "\'x", wanted its closing quote'),
        ("`a == 1", "at character 1: found '`a == 1', wanted its closing quote"),
        ("a # 1", "at character 3: found '#'"),
        ("a in 1", "at character 6: found '1', wanted a list"),
        ("a in [1 2]", "at character 9: found '2', wanted ',' or ']'"),
        ("a in [1,]", "at character 9: found ']', wanted a value"),
        ("a not == 1", "at character 7: found '==', wanted 'in', 'contains' or 'exists'"),
        ("and == 1", "at character 1: found 'and', wanted a metadata key"),
        ("a == 1 b == 2", "at character 8: found 'b', wanted 'and', 'or' or the end"),
        ("a == 1 and", "at character 11: found the end, wanted a metadata key"),
        ("(a == 1", "at character 8: found the end, wanted ')'"),
        ("a == 1)", "at character 7: found ')', wanted 'and', 'or' or the end"),
        ("1 < a", "at character 1: found '1', wanted a metadata key"),
        ("1 < a < 2", "at character 1: found '1', wanted a metadata key"),
        ("`` == 1", "at character 1"),
        ("b == 1 and a < true", "at character 12: filter on 'a': < has no meaning for True"),
        ("a == 1e999", "at character 1: filter on 'a': cannot compare with inf"),
        ("a == " + "9" * 601, "at character 6: found '999999999"),
        ('a == date("31.1.2020")', "at character 11: '31.1.2020' is no date"),
        ("a == date(2020)", "at character 11: found '2020', wanted a date in quotes"),
        (r"a == 'C:\data'", r"wanted \\d for a backslash before 'd'"),
        ("(" * 101 + "a == 1" + ")" * 101, "at character 101: found '(', wanted no more than 100"),
        ("not " * 5000 + "a == 1", "wanted no more than 100 levels"),
    ],
)
def test_errors_say_where_what_was_found_and_what_was_wanted(text, message):
    with pytest.raises(FilterError) as error:
        parse_filter(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_a_hundred_levels_of_parentheses_are_read():
    assert parse_filter("(" * 99 + "a == 1" + ")" * 99) == (F("a") == 1)


@pytest.mark.parametrize("number", [10**600 - 1, -(10**600) + 1])
def test_the_largest_numbers_are_printed_and_read(number):
    assert parse_filter(str(F("a") == number)) == (F("a") == number)
