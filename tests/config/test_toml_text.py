"""TOML that is written is read back as it was."""

import math
import tomllib
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievo.config.toml_text import toml_text
from retrievo.errors import ConfigError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
PLAIN = st.one_of(
    TEXTS,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=ZONES),
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8
)


@settings(deadline=None)  # a slow machine is no failure
@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_toml_is_read_back_as_it_was_written(tables):
    assert tomllib.loads(toml_text(tables)) == tables


def test_toml_of_what_other_libraries_hand_over():
    found = tomllib.loads(
        toml_text({"a": np.float64(0.5), "b": Path("x/y"), "c": (1, 2), "d": math.nan, "e": True})
    )
    assert math.isnan(found.pop("d"))
    assert found == {"a": 0.5, "b": str(Path("x/y")), "c": [1, 2], "e": True}


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"t": {"k": [1, None]}}, "t.k: TOML cannot hold a NoneType"),
        ({"t": {"k": {1: 2}}}, "t.k.1: the key 1 is not a str"),
        ({"t": {"k": b"x"}}, "t.k: TOML cannot hold a bytes; plain values are wanted"),
        ({"t": {"k": "\ud800"}}, "t.k: a text with half a surrogate pair"),
        ({"k": time(1, tzinfo=timezone.utc)}, "k: TOML has no time of day with a zone"),  # noqa: UP017
        (
            {"k": datetime.combine(date(2020, 1, 1), time(1), timezone(timedelta(seconds=61)))},
            "k: TOML has no zone with seconds",
        ),
    ],
)
def test_what_toml_cannot_hold_is_named(tables, said):
    with pytest.raises(ConfigError) as caught:
        toml_text(tables)
    assert str(caught.value).startswith(said)
