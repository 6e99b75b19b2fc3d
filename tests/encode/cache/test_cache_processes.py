"""Several processes at one cache, and one that is killed."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from vector_makers import asked, vector_of

from retrievo.encode.cache import Cache

TESTS = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def check(path):
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for table in ("entries", "vectors"):
            other = {"entries": "vectors", "vectors": "entries"}[table]
            lost = f"SELECT count(*) FROM {table} WHERE id NOT IN (SELECT id FROM {other})"
            assert connection.execute(lost).fetchone() == (0,)
    connection.close()


WRITER = """
import sys
import numpy as np
from vector_makers import asked, vector_of
from retrievo.encode.cache import Cache
cache = Cache("auto")
cache.beside(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for at in range(0, 400, 20):
    texts = [f"text {i}" for i in range(at, at + 40)]
    found, _ = asked(cache, texts)
    assert np.array_equal(found.vectors, np.array([vector_of(text) for text in texts]))
cache.close()
"""


def test_processes_that_make_the_file_and_write_it_at_once_agree(tmp_path):
    writers = [start(WRITER, tmp_path / "index") for _ in range(4)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        _, said = writer.communicate(timeout=60)
        assert writer.returncode == 0, said
    check(tmp_path / "index.cache.sqlite")
    cache = Cache(tmp_path / "index.cache.sqlite")
    assert asked(cache, [f"text {i}" for i in range(420)])[1] == []
    cache.close()
    with sqlite3.connect(tmp_path / "index.cache.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (420,)
    connection.close()


KILLED = """
import itertools, sys
from vector_makers import asked
from retrievo.encode.cache import Cache
cache = Cache(sys.argv[1])
for batch in itertools.count():
    asked(cache, [f"{sys.argv[2]} {batch} {i}" for i in range(100)], dim=500)
    print(batch, flush=True)
"""


@pytest.mark.crash
def test_a_process_that_is_killed_leaves_what_it_had_written(tmp_path):
    path = tmp_path / "v.sqlite"
    for name in ("first", "second", "third"):
        child = start(KILLED, path, name)
        done = [int(child.stdout.readline()) for _ in range(4)]
        child.send_signal(signal.SIGKILL)
        done += [int(line) for line in child.communicate()[0].split()]
        assert child.returncode == -signal.SIGKILL
        cache = Cache(path)
        texts = [f"{name} {batch} {i}" for batch in done for i in range(100)]
        found, made = asked(cache, texts, dim=500)
        assert made == [], "a batch that was written is there"
        assert np.array_equal(found.vectors[-1], vector_of(texts[-1], 500))
        cache.close()
        check(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of threads, since 3.12
def test_a_forked_process_opens_the_file_itself(tmp_path):
    cache = Cache(tmp_path / "v.sqlite")
    asked(cache, ["a"])
    child = os.fork()
    if child == 0:
        try:
            right = asked(cache, ["a", "child"])[1] == [["child"]]
            cache.close()
            os._exit(0 if right else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert asked(cache, ["a", "child", "parent"])[1] == [["parent"]]
    cache.close()
    check(tmp_path / "v.sqlite")
