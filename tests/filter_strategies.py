"""Random filters and metadata, few keys and values so that they often meet."""

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import strategies as st

from retrievo.errors import DocumentError
from retrievo.filters import And, Compare, Not, Or
from retrievo.metadata import plain_metadata

TEXTS = st.sampled_from(["", "a", "b", "ab", "2020-01-01", "2020-01-01T00:00Z", "soon"]) | st.text()
KEYS = st.sampled_from(["a", "b", "a.b", "doc_id", "$c", "not", "meta.x", "field"]) | st.text(
    min_size=1
)
ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=2)), timezone(timedelta(seconds=-61))])
NUMBERS = (
    st.sampled_from([0, 1, 1.0, -0.0, 2**53 + 1, float(2**53), 1e300])
    | st.integers(min_value=-(10**599), max_value=10**599)
    | st.floats(allow_nan=False, allow_infinity=False)
)
DATES = (
    st.sampled_from([date(2020, 1, 1), datetime(2020, 1, 1)])
    | st.dates()
    | st.datetimes(timezones=ZONES)
)
ORDERED = TEXTS | NUMBERS | DATES
SCALARS = st.none() | st.booleans() | ORDERED

COMPARES = st.one_of(
    st.builds(Compare, KEYS, st.just("=="), SCALARS),
    st.builds(Compare, KEYS, st.sampled_from(["<", "<=", ">", ">="]), ORDERED),
    st.builds(Compare, KEYS, st.just("in"), st.lists(SCALARS, max_size=4).map(tuple)),
    st.builds(Compare, KEYS, st.just("contains"), SCALARS),
    st.builds(Compare, KEYS, st.just("exists"), st.just(True)),
)


def _join(inner):
    parts = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


FILTERS = st.recursive(COMPARES, _join, max_leaves=8)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
METADATA = st.dictionaries(KEYS, VALUES, max_size=4)


def _can_be_kept(metadata):
    try:
        plain_metadata(metadata, "any")
    except DocumentError:
        return False
    return True


KEPT_METADATA = METADATA.filter(_can_be_kept)
"""Without infinities and NaN, which no document may have."""
