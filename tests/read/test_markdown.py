import pytest

from retrievo.errors import RetrievoWarning
from retrievo.read.markdown import MarkdownReader
from retrievo.types import Section


def read(tmp_path, text):
    path = tmp_path / "a.md"
    path.write_bytes(text.encode())
    (document,) = MarkdownReader().read(path)
    return document


def test_front_matter_becomes_metadata_and_leaves_the_text(tmp_path):
    found = read(tmp_path, "---\ntitle: T\ntags: [a, b]\nday: 2024-02-29\n---\n# H\n\nbody\n")
    assert found.metadata == {"title": "T", "tags": ["a", "b"], "day": "2024-02-29"}
    assert (found.title, found.text) == ("T", "# H\n\nbody\n")
    assert found.sections == (Section(0, ("H",)),)


def test_the_rest_is_unchanged_to_the_character(tmp_path):
    body = "\r\n# H \r\n\r\n\tx  \r\n"
    assert read(tmp_path, f"---\r\na: 1\r\n...\r\n{body}").text == body


def test_plain_words_and_codes_stay_as_written(tmp_path):
    front = "lang: no\nzip: 01234\nat: 12:30\ndraft: true\nn: -3\nx: 1.5\n2020: year\nnothing:\n"
    assert read(tmp_path, f"---\n{front}---\n").metadata == {
        "lang": "no", "zip": "01234", "at": "12:30", "draft": True, "n": -3, "x": 1.5,
        "2020": "year", "nothing": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "front",
    [
        "a: [",
        "a: &x [1]\nb: *x",
        "a: !!python/object/apply:os.system [id]",
        "a: !!binary aGk=",
        "a: 2024-02-31",
        "a: " + "[" * 5000,
        "a: " + "x" * 70_000,
        "a: " + "9" * 5000,
    ],
)
def test_bad_front_matter_is_told_and_kept_as_text(tmp_path, front):
    text = f"---\n{front}\n---\nbody\n"
    with pytest.warns(RetrievoWarning, match=r"a\.md: its front matter is kept as text: "):
        found = read(tmp_path, text)
    assert (found.text, found.metadata) == (text, {})


@pytest.mark.parametrize(
    "text", ["---\nprose\n---\nmore", "---\n- a\n---\n", "---\na: 1\n", " ---\na: 1\n---\n"]
)
def test_what_is_no_front_matter(tmp_path, text):
    found = read(tmp_path, text)
    assert (found.text, found.metadata) == (text, {})


def test_only_front_matter_is_an_empty_document(tmp_path):
    found = read(tmp_path, "---\na: 1\n---")
    assert (found.text, found.metadata) == ("", {"a": 1})


@pytest.mark.parametrize(
    ("text", "title"),
    [("## b\n# a\n# c\n", "a"), ("a\n=\n", "a"), ("## b\n", ""), ("---\ntitle: 7\n---\n# a", "7")],
)
def test_title(tmp_path, text, title):
    assert read(tmp_path, text).title == title
