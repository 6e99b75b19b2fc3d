import pytest

from retrievo.contracts import Reader
from retrievo.errors import ReadError
from retrievo.read.code import CodeReader
from retrievo.read.html import HtmlReader
from retrievo.read.jsonl import JsonReader
from retrievo.read.markdown import MarkdownReader
from retrievo.read.text import TextReader

READERS = [TextReader, MarkdownReader, HtmlReader, JsonReader, CodeReader]


@pytest.mark.parametrize("reader", READERS)
def test_readers_keep_the_contract(reader):
    assert isinstance(reader(), Reader)
    assert all(s.startswith(".") and s == s.lower() for s in reader().suffixes)


def test_no_suffix_has_two_readers():
    suffixes = [suffix for reader in READERS for suffix in reader().suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("reader", [TextReader, CodeReader])
def test_the_text_is_the_file(tmp_path, reader):
    suffix = sorted(reader().suffixes)[0]
    path = tmp_path / f"a{suffix}"
    path.write_bytes("---\r\na: 1\r\n---\r\n é\n".encode())
    (document,) = reader().read(path)
    assert document.text == "---\r\na: 1\r\n---\r\n é\n"


@pytest.mark.parametrize("reader", READERS)
def test_latin_1_and_binary_files_are_named(tmp_path, reader):
    path = tmp_path / f"a{sorted(reader().suffixes)[0]}"
    for data in (b"caf\xe9", b"\x7fELF\0\0"):
        path.write_bytes(data)
        with pytest.raises(ReadError, match=str(path)):
            list(reader().read(path))


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.py", "python"),
        ("a.RS", "rust"),
        ("a.h", "c"),
        ("a.yml", "yaml"),
        ("a.d.ts", "typescript"),
    ],
)
def test_the_suffix_names_the_language(tmp_path, name, language):
    path = tmp_path / name
    path.write_text("x = 1\n")
    (document,) = CodeReader().read(path)
    assert (document.metadata, document.text) == ({"language": language}, "x = 1\n")
