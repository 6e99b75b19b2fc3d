import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo.errors import ReadError
from retrievo.read.decoding import decode

HERE = Path("a.txt")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@given(text=st.text(st.characters(exclude_characters="\0\ufeff", codec="utf-8")))
def test_every_unicode_encoding_comes_back(mark, encoding, text):
    assert decode(mark + text.encode(encoding), HERE) == text


def test_line_ends_are_kept():
    assert decode(b"a\r\nb\rc\n", HERE) == "a\r\nb\rc\n"


def test_latin_1_is_refused_at_its_byte():
    with pytest.raises(ReadError, match=r"^a\.txt: not UTF-8 at byte 3 \(0xe9\); .*iconv"):
        decode(b"caf\xe9", HERE)


def test_the_byte_is_counted_with_the_mark():
    with pytest.raises(ReadError, match="at byte 5 "):
        decode(codecs.BOM_UTF8 + b"ab\xff", HERE)


def test_a_nul_makes_it_binary():
    with pytest.raises(ReadError, match="binary file: NUL at byte 2"):
        decode(b"ab\0c", HERE)


def test_a_nul_after_the_head_is_text():
    assert decode(b"a" * 8192 + b"\0", HERE).endswith("\0")
