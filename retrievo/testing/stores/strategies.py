"""Random filters and metadata for the state machine: few keys and values, so that they meet."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from retrievo.filters import And, Compare, Filter, Not, Or

IDS = ("a", "b", "A", "\u00e9", "e\u0301", "a/b #1 %2F\x00")
"""Of documents; some differ in case or in how one letter is written."""

TENANTS = ("acme", "Acme", "acme ")
KEYS = st.sampled_from(["k", "m", "m.x", "doc_id"])
TEXTS = st.sampled_from(["", "1", "a", "b", "ab", "true", "2020-01-01", "2020-01-01T00:00Z"])
NUMBERS = st.sampled_from([0, 1, 1.0, -0.0, 2.5, 2**53, 2**53 + 1, float(2**53), -(10**20)])
DATES = st.sampled_from([date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC), date(2021, 1, 1)])
ORDERED = TEXTS | NUMBERS | DATES | st.sampled_from(IDS)
SCALARS = st.none() | st.booleans() | ORDERED

COMPARES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Compare, KEYS, st.just("=="), SCALARS),
    st.builds(Compare, KEYS, st.sampled_from(["<", "<=", ">", ">="]), ORDERED),
    st.builds(Compare, KEYS, st.just("in"), st.lists(SCALARS, max_size=3).map(tuple)),
    st.builds(Compare, KEYS, st.just("contains"), SCALARS),
    st.builds(Compare, KEYS, st.just("exists"), st.just(True)),
)


def _join(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


FILTERS = st.recursive(COMPARES, _join, max_leaves=5)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("x"), inner, max_size=1),
    max_leaves=4,
)
METADATA = st.dictionaries(st.sampled_from(["k", "m", "m.x"]), VALUES, max_size=3)
PIECES = st.lists(
    st.sampled_from(["one ", "two ", "three ", "\u2603 ", ""]), min_size=1, max_size=4
)
"""Texts of a document's chunks; edits often keep some of them."""
