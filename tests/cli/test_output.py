import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo.cli.output import clean, one_line, say, show, show_json

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m \x9b31m\u202etxt.exe\ud800\x00 end"


def test_what_drives_a_terminal_is_taken_out():
    assert clean(HOSTILE) == "red 31mtxt.exe end"


def test_line_breaks_and_other_scripts_stay():
    text = "a\n\tb: \u0646\u0627\u0645\u0647\u200c\u0647\u0627, \U0001f469\u200d\U0001f52c"
    assert clean(text) == text


@given(st.text())
def test_no_control_character_is_left(text):
    left = {c for c in clean(text) if ord(c) < 32 or 127 <= ord(c) < 160}
    assert left <= {"\n", "\t"}
    line = one_line(text)
    assert "\n" not in line and line == line.strip()


@pytest.mark.parametrize("width", [1, 5, 20])
def test_a_line_is_cut_to_its_width(width):
    assert len(one_line("word " * 20, width)) <= width
    assert one_line("word", 20) == "word"


def test_messages_are_one_line_on_stderr(capsys):
    say("first\nsecond \x1b[31m")
    say("")
    caught = capsys.readouterr()
    assert (caught.out, caught.err) == ("", "first second\n")


def test_text_that_the_terminal_cannot_show_is_replaced(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    show("na\xefve")
    assert raw.getvalue() == b"na?ve\n"


def test_json_is_ascii_and_takes_numpy_scalars(capsys):
    show_json({"score": np.float32(0.5), "text": "\xe9\u2028\ud800\x1b"})
    out = capsys.readouterr().out
    assert out.isascii() and "\x1b" not in out
    assert json.loads(out) == {"score": 0.5, "text": "\xe9\u2028\ud800\x1b"}


def test_json_refuses_what_is_not_json():
    with pytest.raises(TypeError, match="a set cannot be written as JSON"):
        show_json({"a": {1}})
