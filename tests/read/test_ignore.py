import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievo.errors import RetrievoWarning
from retrievo.read.text import TextReader
from retrievo.read.walk import Walk

FILES = [
    "a.txt", "keep.txt", "build/a.txt", "build/keep.txt", "build/deep/a.txt", "sub/a.txt",
    "sub/keep.txt", "sub/build/a.txt", "sub/deep/keep.txt", "sub/deep/b c.txt",
]  # fmt: skip
PATTERNS = [
    "a.txt", "/a.txt", "*.txt", "!keep.txt", "!*.txt", "build", "build/", "/build", "/build/*",
    "build/**", "!build/**", "!build/keep.txt", "**/deep", "deep/**", "sub/**/a.txt", "!sub/",
    "sub/*", "!sub/deep/", "# a.txt", "", "a.txt  ", "b\\ c.txt", "[ab].txt", "?.txt", "/*", "**",
]  # fmt: skip


def make(top, ignores):
    for name in FILES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("x")
    for folder, lines in ignores.items():
        (top / folder / ".gitignore").write_text("\n".join(lines))


def walked(top):
    return sorted(document.id for document in Walk(top, {"text": TextReader()}))


def git(top, *arguments):
    return subprocess.run(
        ["git", "-c", "core.excludesFile=", *arguments], cwd=top, check=True, capture_output=True
    ).stdout.decode()


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git, which is not here")
@settings(max_examples=100, deadline=None)
@given(
    outer=st.lists(st.sampled_from(PATTERNS), max_size=4),
    inner=st.lists(st.sampled_from(PATTERNS), max_size=3),
)
def test_the_walk_sees_what_git_sees(tmp_path_factory, outer, inner):
    top = tmp_path_factory.mktemp("tree")
    make(top, {".": outer, "sub": inner})
    git(top, "init", "-q")
    listed = git(top, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    assert walked(top) == sorted(name for name in listed if name.endswith(".txt"))


def test_the_repository_around_a_folder_counts(tmp_path):
    make(tmp_path, {".": ["a.txt"]})
    assert walked(tmp_path / "sub" / "deep") == ["b c.txt", "keep.txt"]
    assert "a.txt" in walked(tmp_path / "sub")  # no repository, nothing around it counts
    (tmp_path / ".git").mkdir()
    assert walked(tmp_path / "sub") == ["deep/b c.txt", "deep/keep.txt", "keep.txt"]


def test_an_ignored_folder_that_is_named_is_read(tmp_path):
    make(tmp_path, {".": ["build/"]})
    (tmp_path / ".git").mkdir()
    assert walked(tmp_path / "build") == ["a.txt", "deep/a.txt", "keep.txt"]
    assert walked(tmp_path / "build" / "deep") == ["a.txt"]


@pytest.mark.parametrize("line", ["!", "[z-a]"])
def test_a_line_that_is_no_pattern_is_told(tmp_path, line):
    make(tmp_path, {"sub": [line, "a.txt"]})
    with pytest.warns(RetrievoWarning, match=r"sub/\.gitignore: line 1, .* is not a pattern"):
        assert "sub/a.txt" not in walked(tmp_path)


def test_a_pattern_of_bytes_that_are_no_utf_8_harms_nothing(tmp_path):
    make(tmp_path, {})
    (tmp_path / ".gitignore").write_bytes(b"\xff*\r\na.txt\r\n")
    assert "a.txt" not in walked(tmp_path)
    assert "keep.txt" in walked(tmp_path)
