import os
from pathlib import Path

import pytest
from walks import READERS, reasons, write

from retrievo import Pipeline
from retrievo.errors import ReadError
from retrievo.read.walk import Walk
from retrievo.types import Document, Section


def test_ids_are_paths_in_order(tmp_path):
    write(tmp_path, b_txt="b", a_md="# A\n", sub__c_txt="c", a__z_TXT="z")
    walk = Walk(tmp_path, READERS)
    assert [path.relative_to(tmp_path).as_posix() for path in walk.files] == [
        "a/z.TXT", "a.md", "b.txt", "sub/c.txt",
    ]  # fmt: skip
    documents = list(walk)
    assert [d.id for d in documents] == ["a/z.TXT", "a.md", "b.txt", "sub/c.txt"]
    assert documents[1] == Document(
        "a.md", "# A\n", {"path": f"{tmp_path}/a.md"}, "A", (Section(0, ("A",)),)
    )
    assert (walk.skipped, walk.ignored) == ([], 0)


def test_a_file_given_has_its_name_and_is_read_though_hidden_or_ignored(tmp_path):
    write(tmp_path, _gitignore="a.txt", a_txt="a", _h_txt="h", _d__x_txt="x")
    paths = [str(tmp_path / "a.txt"), tmp_path / ".h.txt", tmp_path / ".d"]
    assert [d.id for d in Walk(paths, READERS)] == ["a.txt", ".h.txt", "x.txt"]


def test_one_path_needs_no_list(tmp_path):
    write(tmp_path, a_txt="a")
    assert [d.id for d in Walk(str(tmp_path / "a.txt"), READERS)] == ["a.txt"]


def test_relative_paths_with_dots(tmp_path, monkeypatch):
    write(tmp_path, x__a_txt="a", y__b_txt="b")
    monkeypatch.chdir(tmp_path / "x")
    walk = Walk([".", "../y"], READERS)
    assert [d.id for d in walk] == ["a.txt", "b.txt"]
    assert walk.files == [Path("a.txt"), Path("../y/b.txt")]


def test_hidden_and_ignored_ones_are_counted_a_folder_once(tmp_path):
    write(tmp_path, _gitignore="out/\n*.log", _git__x_txt="x", out__a_txt="a", b_log="b", c_txt="c")
    walk = Walk(tmp_path, READERS)
    assert [d.id for d in walk] == ["c.txt"]
    assert (walk.ignored, walk.skipped) == (4, [])


def test_every_other_file_is_told_with_its_reason(tmp_path):
    write(
        tmp_path, a_pdf="%PDF", b_xyz="x", c="x", d_txt="", e_txt="x" * 11, f_txt=b"\x7fELF\0",
        g_txt=b"ab\xff", h_json="{", i_json="[]", z_txt="last",
    )  # fmt: skip
    (tmp_path / "j.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "k").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "l.txt")
    walk = Walk(tmp_path, READERS, max_bytes=10)
    assert [skipped.path.name for skipped in walk.skipped] == [
        "a.pdf", "b.xyz", "c", "d.txt", "e.txt", "j.txt", "k", "l.txt",
    ]  # fmt: skip
    for _ in range(2):  # a second round tells nothing twice
        assert [d.id for d in walk] == ["z.txt"]
        assert reasons(walk) == [
            ("a.pdf", "no reader for .pdf; pip install retrievo-pdf"),
            ("b.xyz", "no reader for .xyz"),
            ("c", "no reader for files without a suffix"),
            ("d.txt", "empty"),
            ("e.txt", "11 bytes, more than max_bytes = 10; split it"),
            ("j.txt", "a link to nothing"),
            ("k", "a link to a folder; name the folder itself to read it"),
            ("l.txt", "not a regular file"),
            (
                "f.txt",
                "a binary file: NUL at byte 4 (if it is UTF-16 without a byte order mark: "
                "iconv -f UTF-16LE -t UTF-8)",
            ),
            (
                "g.txt",
                "not UTF-8 at byte 2 (0xff); convert it (iconv -f ITS-ENCODING -t UTF-8)",
            ),
            (
                "h.json",
                "not JSON: Expecting property name enclosed in double quotes: "
                "line 1 column 2 (char 1)",
            ),
            ("i.json", "no usable record; none in it"),
        ]


def test_files_are_known_before_reading_and_told_as_they_are_begun(tmp_path):
    write(tmp_path, a_txt="a", b_txt="b")
    begun = []
    walk = Walk(tmp_path, READERS, on_file=lambda path: begun.append(path.name))
    assert (len(walk.files), begun) == (2, [])
    documents = iter(walk)
    next(documents)
    assert begun == ["a.txt"]
    list(documents)
    assert begun == ["a.txt", "b.txt"]


def test_a_stream_of_lines_has_no_size_limit(tmp_path):
    write(tmp_path, a_jsonl='{"text": "long enough"}', b_json='{"text": "long enough"}')
    walk = Walk(tmp_path, READERS, max_bytes=10)
    assert [d.id for d in walk] == ["a.jsonl#0"]
    assert [name for name, _ in reasons(walk)] == ["b.json"]


def test_an_index_among_the_documents_is_left_alone(tmp_path):
    write(tmp_path, a_txt="text")
    with Pipeline.open(tmp_path / "retrievo.index") as pipeline:
        assert pipeline.index(tmp_path).added == 1
        report = pipeline.index(tmp_path)
    assert (report.kept, report.warnings) == (1, [])


def test_the_second_file_of_one_id_is_left_out(tmp_path):
    write(tmp_path, x__a_txt="1", y__a_txt="2")
    walk = Walk([tmp_path / "x", tmp_path / "y"], READERS)
    assert [d.text for d in walk] == ["1"]
    ((path, reason),) = [(skipped.path, skipped.reason) for skipped in walk.skipped]
    assert path == tmp_path / "y" / "a.txt"
    assert reason == (
        f"its id 'a.txt' is that of {tmp_path / 'x' / 'a.txt'}; index the folder that holds both, "
        "so that ids differ"
    )


def test_records_that_repeat_an_id_are_told_and_the_others_kept(tmp_path):
    write(
        tmp_path, a_jsonl='{"text":"1","id":"i"}\n{"text":"2","id":"i"}\n{"text":"3","id":"j"}\n',
        b_jsonl='{"text":"4","id":"j"}\n{"text":"5","id":"k"}\n',
    )  # fmt: skip
    walk = Walk(tmp_path, READERS)
    assert [d.text for d in walk] == ["1", "3", "5"]
    assert reasons(walk) == [
        ("a.jsonl", "1 documents repeat an id of this file, 'i' first"),
        ("b.jsonl", f"1 documents repeat an id, 'j' of {tmp_path / 'a.jsonl'} first"),
    ]


def test_a_file_that_is_named_twice_is_read_once(tmp_path):
    write(tmp_path, sub__a_txt="a")
    walk = Walk([tmp_path, tmp_path / "sub", tmp_path / "sub" / "a.txt"], READERS)
    assert [d.id for d in walk] == ["sub/a.txt"]
    assert {reason for _, reason in reasons(walk)} == {
        f"already read as {tmp_path / 'sub' / 'a.txt'}"
    }


def test_names_that_are_no_unicode(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"\xff.txt")).write_text("x")
        (tmp_path / os.fsdecode(b"\xfe")).mkdir()
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    walk = Walk(tmp_path, READERS)
    assert list(walk) == []
    assert {reason for _, reason in reasons(walk)} == {"its name is not valid UTF-8; rename it"}
    assert len(walk.skipped) == 2


def test_a_folder_that_cannot_be_listed_is_told(tmp_path, monkeypatch):
    write(tmp_path, a_txt="a", shut__b_txt="b")
    scandir = os.scandir

    def guarded(path):
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    walk = Walk(tmp_path, READERS)
    assert [d.id for d in walk] == ["a.txt"]
    assert reasons(walk) == [("shut", "Permission denied")]


def test_links_are_followed_to_files_and_not_round_in_circles(tmp_path):
    write(tmp_path, in__a_txt="a", out_txt="o")
    (tmp_path / "in" / "loop").symlink_to(tmp_path)
    (tmp_path / "in" / "b.txt").symlink_to(tmp_path / "out.txt")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    walk = Walk(tmp_path / "link", READERS)  # a link that is named is followed
    assert [(d.id, d.text) for d in walk] == [("a.txt", "a"), ("b.txt", "o")]
    assert [name for name, _ in reasons(walk)] == ["loop"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no/such.txt", r"^cannot read 'no/such.txt': No such file or directory$"),
        ("how do I rotate a key?", r"Document\(text=\.\.\.\)"),
        ("two\nlines", r"Document\(text=\.\.\.\)"),
        ("x" * 5000, r"^cannot read 'x{60}\.\.\.': File name too long"),
        ("nul\0byte", "null byte"),
    ],
)
def test_a_path_that_is_not_there_is_an_error_at_once(path, said):
    with pytest.raises(ReadError, match=said):
        Walk([path], READERS)


def test_nothing_is_printed(tmp_path, capsys):
    write(tmp_path, a_txt="a", b_xyz="b", c_txt=b"\0")
    list(Walk(tmp_path, READERS))
    assert capsys.readouterr() == ("", "")
