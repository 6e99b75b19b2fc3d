"""Windows of a long text: nothing left out, none too long, the best of them counted."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo.rerank.windows import best_windows, windows


def spans_of(text):
    """A token is a letter or a digit."""
    return np.array([m.span() for m in re.finditer(r"\w", text)], np.int32).reshape(-1, 2)


def test_a_text_that_fits_stays_as_it_is():
    assert windows(" ab cd ", spans_of(" ab cd "), 4) == [" ab cd "]
    assert windows("", spans_of(""), 4) == [""]


def test_windows_begin_and_end_between_words():
    text = "aaa bbb ccc ddd eee fff"
    # 10 tokens fit, 8 are used; a quarter of them is shared.
    assert windows(text, spans_of(text), 10) == [
        "aaa bbb",
        "bbb ccc",
        "ccc ddd",
        "ddd eee",
        "eee fff",
    ]


def test_a_word_longer_than_a_window_is_parted():
    text = "x" * 20
    found = windows(text, spans_of(text), 10)
    assert [len(part) for part in found] == [8, 8, 8]


@given(st.lists(st.sampled_from(["", "", " ", ", "]), max_size=120), st.integers(1, 40))
def test_no_token_is_left_out_and_no_window_is_too_long(gaps, room):
    # Each token is a letter of its own, so that a window is found where it was cut.
    text = "".join(f"{gap}{chr(0x4E00 + at)}" for at, gap in enumerate(gaps))
    found = windows(text, spans_of(text), room)
    assert all(len(spans_of(part)) <= room for part in found)
    assert all(part in text for part in found)
    assert set(re.findall(r"\w", "".join(found))) == set(re.findall(r"\w", text))
    starts = [text.index(part) for part in found]
    assert starts == sorted(set(starts))
    if room >= 8:
        assert len(found) <= 1 + 4 * len(gaps) / (room - 2)


def test_the_best_window_counts_and_is_named():
    scores, ways = best_windows([1.0, 3.0, 2.0, -5.0, 4.0, 4.0], [0, 0, 0, 1, 2, 2], 3)
    assert scores == [3.0, -5.0, 4.0]
    assert ways == ["window 2 of 3", "whole", "window 1 of 2"]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_window_that_is_no_number_is_not_hidden(at):
    scores = [1.0, 2.0, 3.0]
    scores[at] = float("nan")
    assert np.isnan(best_windows(scores, [0, 0, 0], 1)[0])
