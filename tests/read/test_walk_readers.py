"""What readers may do to a walk: nothing but lose their own file."""

import pytest
from walks import READERS, Fake, reasons, write

from retrievo.errors import ConfigError, DocumentError, ReadError
from retrievo.read.text import TextReader
from retrievo.read.walk import Skipped, Walk
from retrievo.types import Document


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ReadError("no good"), "no good"),
        (PermissionError(13, "Permission denied", "a.fake"), "Permission denied"),
        (DocumentError("bad metadata"), "bad metadata"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "can't decode byte 0xff"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
    ],
)
def test_a_reader_that_fails_stops_nothing(tmp_path, error, reason):
    write(tmp_path, a_fake="x", b_txt="b")
    walk = Walk(tmp_path, {**READERS, "fake": Fake(error)})
    assert [d.id for d in walk] == ["b.txt"]
    assert len(walk.skipped) == 1
    assert reason in walk.skipped[0].reason


def test_a_reader_that_fails_halfway_says_how_far_it_came(tmp_path):
    write(tmp_path, a_fake="x")
    walk = Walk(tmp_path, {"fake": Fake(Document("i", "x"), ReadError("torn"), many=True)})
    assert [d.id for d in walk] == ["i"]
    assert walk.skipped == [Skipped(tmp_path / "a.fake", "stopped after 1 documents: torn")]


def test_whatever_a_reader_raises_its_file_is_named_and_the_rest_goes_on(tmp_path):
    write(tmp_path, a_fake="x", b_txt="text")
    for wrong in (ZeroDivisionError("by zero"), KeyError("k")):
        walk = Walk(tmp_path, {"fake": Fake(wrong), "text": TextReader()})
        assert [d.id for d in walk] == ["b.txt"]
        (skipped,) = walk.skipped
        assert skipped.path == tmp_path / "a.fake"
        assert f"Fake raised {type(wrong).__name__}" in skipped.reason


def test_a_reader_that_gives_no_documents_but_something_else(tmp_path):
    write(tmp_path, a_fake="x")
    walk = Walk(tmp_path, {"fake": Fake("a text")})
    assert list(walk) == []
    assert "gave a str, a Document is wanted" in walk.skipped[0].reason


def test_a_reader_of_one_document_keeps_to_it(tmp_path):
    write(tmp_path, a_fake="x", b_fake="x")
    walk = Walk(tmp_path, {"fake": Fake(Document("i", "x"), Document("j", "y"))})
    assert [d.id for d in walk] == ["a.fake", "b.fake"]
    assert "many = True" in walk.skipped[0].reason


def test_a_reader_without_documents_is_told(tmp_path):
    write(tmp_path, a_fake="x")
    walk = Walk(tmp_path, {"fake": Fake()})
    assert (list(walk), reasons(walk)) == ([], [("a.fake", "no document in it")])


def test_own_metadata_wins_and_many_readers_keep_their_ids(tmp_path):
    write(tmp_path, s__a_jsonl='{"text": "a", "id": "k"}\n{"text": "b", "path": "mine"}\n')
    first, second = Walk(tmp_path, READERS)
    assert (first.id, first.metadata) == ("k", {"path": f"{tmp_path}/s/a.jsonl"})
    assert (second.id, second.metadata) == (
        "s/a.jsonl#1",
        {"path": "mine", "source_path": f"{tmp_path}/s/a.jsonl"},
    )


def test_two_readers_of_one_suffix_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'text' and 'mine' both read \.adoc"):
        Walk(tmp_path, {"text": TextReader(), "mine": TextReader()})
