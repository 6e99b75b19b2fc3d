import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from vector_makers import asked

from retrievo.encode.cache import Cache, VectorCache
from retrievo.errors import ConfigError, RetrievoWarning
from retrievo.telling import collecting

TESTS = Path(__file__).parents[2]


def run(code, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])},
        **options,
    )


@pytest.fixture
def path(tmp_path):
    """A file that keeps the vectors of `a` and `b`."""
    cache = Cache(tmp_path / "v.sqlite")
    asked(cache, ["a", "b"])
    cache.close()
    return tmp_path / "v.sqlite"


def test_no_text_is_in_the_file(tmp_path):
    cache = Cache(tmp_path / "v.sqlite")
    asked(cache, ["a secret that nobody may read"], prompt="prompts neither")
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert files and not any(b"secret" in data or b"neither" in data for data in files)
    cache.close()


def test_the_least_recently_used_go_first_and_the_file_stays_in_bounds(tmp_path, monkeypatch):
    hour = 3_600
    now = 500_000 * hour
    monkeypatch.setattr(time, "time", lambda: float(now))
    path = tmp_path / "v.sqlite"
    cache = Cache(VectorCache(path, max_mb=1))
    texts = [f"text {i}" for i in range(300)]  # of 1,000 numbers: 1.2 MB
    for at in range(0, 200, 50):
        asked(cache, texts[at : at + 50], dim=1_000)
    now += hour
    assert asked(cache, texts[:50], dim=1_000)[1] == []
    asked(cache, texts[200:], dim=1_000)
    cache.close()
    assert path.stat().st_size <= 1_000_000
    again = Cache(VectorCache(path, max_mb=1))
    for kept in (texts[:50], texts[200:]):
        assert asked(again, kept, dim=1_000)[1] == []
    (gone,) = asked(again, texts[50:200], dim=1_000)[1]
    assert 30 <= len(gone) < 150 and gone == texts[50 : 50 + len(gone)], "the oldest, not all"
    again.close()


def test_a_smaller_bound_shrinks_the_file(tmp_path):
    path = tmp_path / "v.sqlite"
    cache = Cache(path)
    asked(cache, [f"text {i}" for i in range(600)], dim=1_000)
    cache.close()
    assert path.stat().st_size > 2_000_000
    cache = Cache(VectorCache(path, max_mb=1))
    asked(cache, ["new"], dim=1_000)
    assert asked(cache, ["new"], dim=1_000)[1] == []
    cache.close()
    assert path.stat().st_size <= 1_000_000


def test_reading_changes_nothing(path):
    before = path.read_bytes()
    cache = Cache(path)
    assert asked(cache, ["a", "b"])[1] == []
    cache.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["database", "text", "folder", "newer"])
def test_a_path_that_cannot_be_used_is_refused_and_left_alone(tmp_path, where):
    path = tmp_path / "v.sqlite"
    if where == "database":
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE mine (a)")
        other.close()
    elif where == "text":
        path.write_text("notes of mine, and not a database\n" * 50)
    elif where == "folder":
        path.mkdir()
    else:
        Cache(path).close()
        with sqlite3.connect(path) as newer:
            newer.execute("PRAGMA user_version = 99")
        newer.close()
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigError, match=r"v\.sqlite cannot be used: .*name another file"):
        Cache(path)
    assert before == (path.read_bytes() if path.is_file() else None)


def test_an_auto_cache_that_cannot_be_used_is_told_once(tmp_path):
    (tmp_path / "index.cache.sqlite").write_text("something of the user's\n" * 50)
    cache = Cache("auto")
    cache.beside(tmp_path / "index")
    with pytest.warns(RetrievoWarning, match=r"index\.cache\.sqlite cannot be used") as told:
        for _ in range(3):
            assert asked(cache, ["a", "b"])[1] == [["a", "b"]]
    assert len(told) == 1
    assert (tmp_path / "index.cache.sqlite").read_text().startswith("something of the user's")


def test_damage_anywhere_gives_right_vectors_or_none(tmp_path):
    texts = [f"text {i}" for i in range(200)]
    path = tmp_path / "v.sqlite"
    cache = Cache(path)
    right = asked(cache, texts)[0].vectors
    cache.close()
    whole = path.read_bytes()
    rng = np.random.default_rng(7)
    missed = told = 0
    for at in rng.integers(100, len(whole) - 64, 60).tolist():
        path.write_bytes(whole[:at] + rng.bytes(64) + whole[at + 64 :])
        cache = Cache("auto")
        cache.beside(path.with_name("v"))
        path.replace(cache.path)
        with collecting() as messages:
            found, made = asked(cache, texts)
            again, _ = asked(cache, texts)
        assert np.array_equal(found.vectors, right) and np.array_equal(again.vectors, right)
        assert len(messages) <= 1 and all("the vector cache" in one for one in messages)
        missed += bool(made)
        told += len(messages)
        cache.close()
    assert missed > 5 and told > 0


OTHER_USER = """
import os, sys
from vector_makers import asked
from retrievo.encode.cache import vector_file
from retrievo.encode.cache import Cache
asked(Cache("off"), ["so that all is imported that another user may not read"])
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
cache = Cache(sys.argv[1])
assert asked(cache, ["a", "b"])[1] == []
assert asked(cache, ["new"])[1] == [["new"]]
assert asked(cache, ["newer"])[1] == [["newer"]]
cache.close()
auto = Cache("auto")
auto.beside(os.path.join(os.path.dirname(sys.argv[1]), "index"))
assert asked(auto, ["a"])[1] == [["a"]]
print(sorted(os.listdir(os.path.dirname(sys.argv[1]))))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="takes rights away as POSIX does")
def test_where_nothing_may_be_written_it_is_read(path):
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is in one that only its owner enters
        copy = Path(shutil.copy(path, folder))
        copy.chmod(0o444)
        copy.parent.chmod(0o555)
        done = run(OTHER_USER, copy)
        copy.parent.chmod(0o755)
    assert done.stdout == "['v.sqlite']\n", done.stderr
    assert done.stderr.count("cannot be written") == 2, "each cache tells it once"


FULL_DISK = """
import resource, signal, sys
from vector_makers import asked
from retrievo.encode.cache import Cache
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
cache = Cache(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
for start in range(0, 2_000, 500):
    texts = [f"text {i}" for i in range(start, start + 500)]
    found, made = asked(cache, texts)
    assert made == [texts]
assert asked(cache, ["a", "b"])[1] == []
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
@pytest.mark.parametrize("limit", [10_000, 50_000, 150_000])
def test_a_full_disk_is_told_once_and_the_encoding_goes_on(path, limit):
    done = run(FULL_DISK, path, limit)
    assert done.stdout == "done\n", done.stderr
    assert done.stderr.count("RetrievoWarning: the vector cache") == 1
    assert "cannot be written" in done.stderr
    cache = Cache(path)
    assert asked(cache, ["a", "b"])[1] == []
    assert len(asked(cache, [f"text {i}" for i in range(2_000)])[1]) == 1
    cache.close()
