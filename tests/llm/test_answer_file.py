"""The file of blurbs: kept at once, found again after a kill, and never in the way."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from answering_server import serving
from chat_server import Chat, blurbs, chunker, documents

from retrievo import Pipeline
from retrievo.errors import ConfigError, RetrievoWarning
from retrievo.llm.answer_file import AnswerFile

pytest.importorskip("httpx", reason="needs the extra 'remote'")

TESTS = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}


def test_blurbs_are_found_by_their_keys(tmp_path):
    path = tmp_path / "deep" / "b.sqlite"
    first, second = AnswerFile(path), AnswerFile(str(path))
    keys = [n.to_bytes(16, "big") for n in range(450)]
    for place in (0, 199, 200, 449, 0):  # read in parts
        first.write(keys[place], f"blurb {len(first.read(keys))}")
    found = second.read(keys)
    assert found == dict(
        zip(
            [keys[at] for at in (0, 199, 200, 449)],
            ["blurb 4", "blurb 1", "blurb 2", "blurb 3"],
            strict=True,
        )
    )
    first.close(), second.close()
    assert first.read(keys) == found  # it opens the file again
    first.close()


@pytest.mark.parametrize("setting", ["off", None, "auto"])
def test_nothing_is_kept_where_nothing_is_said(setting, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = AnswerFile(setting)
    file.write(b"k", "blurb")
    assert file.read([b"k"]) == {} and file.path is None
    file.beside(tmp_path / "x.index")
    assert file.path == (tmp_path / "x.index.blurbs.sqlite" if setting == "auto" else None)
    assert list(tmp_path.iterdir()) == []  # it is made when there is something to keep


def of_something_else(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()


def newer(path):
    AnswerFile(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: path.write_bytes(b"not a database at all" * 99), "not a database"),
        (of_something_else, "a database of something else"),
        (newer, "has the format 2"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_alone(make, said, tmp_path):
    path = tmp_path / "b.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigError, match=said):
        AnswerFile(path)
    assert before is None or path.read_bytes() == before


def test_a_file_that_goes_wrong_later_costs_the_keeping_alone(tmp_path):
    (tmp_path / "x.index.blurbs.sqlite").write_bytes(b"not a database at all" * 99)
    chat = Chat()
    with blurbs(chat, cache="auto") as contextualizer:
        parts = {"chunker": chunker(), "contextualizer": contextualizer}
        with Pipeline.open(tmp_path / "x.index", **parts) as pipeline:
            report = pipeline.index(documents("a", "b"))
            told = [one for one in report.warnings if "file of blurbs" in one]
            assert report.added == 2 and len(told) == 1 and len(chat.bodies) == 6
            assert pipeline.search("quokka")[0].chunk.context.startswith("a\nquokka ")


def test_beside_the_index_blurbs_outlive_it(tmp_path):
    chat = Chat()
    with blurbs(chat, cache="auto") as contextualizer:
        for name in ("x", "x", "y"):
            parts = {"chunker": chunker(), "contextualizer": contextualizer}
            with Pipeline.open(tmp_path / name, **parts) as pipeline:
                plan = pipeline.plan(documents("a"))
                pipeline.index(documents("a"))
            if name == "x":
                for file in sorted((tmp_path / "x").rglob("*"), reverse=True):
                    file.rmdir() if file.is_dir() else file.unlink()
                (tmp_path / "x").rmdir()
    assert (tmp_path / "x.blurbs.sqlite").is_file() and (tmp_path / "y.blurbs.sqlite").is_file()
    assert len(chat.bodies) == 6  # the second time all three were there
    assert plan.contexts.calls == 3


RUN = """
import sys
from chat_server import chunker, documents
from retrievo import Pipeline
contextualizer = Pipeline.part(
    "contextualizer", "blurb", model="tiny", base_url=sys.argv[2], concurrency=1)
with Pipeline.open(sys.argv[1], chunker=chunker(), contextualizer=contextualizer) as pipeline:
    pipeline.index(documents("a", "b", "c"))
"""


def test_a_run_that_is_killed_pays_for_no_blurb_twice(tmp_path):
    running = []

    def fail(body):
        if len(chat.bodies) == 6:
            running[0].send_signal(signal.SIGKILL)
        return None

    chat = Chat(fail=fail)
    with serving(chat) as url:
        command = [sys.executable, "-W", "error", "-c", RUN, str(tmp_path / "x"), f"{url}/v1"]
        running.append(subprocess.Popen(command, env=ENVIRONMENT))
        assert running[0].wait(60) == -signal.SIGKILL
        assert len(chat.bodies) == 6
        subprocess.run(command, env=ENVIRONMENT, check=True)
    # The sixth was never received; no other was asked for twice.
    asked = [body["messages"][1]["content"] for body in chat.bodies]
    assert len(asked) == 10 and len(set(asked)) == 9 and asked[5] == asked[6]


def test_an_interrupt_keeps_what_was_answered(tmp_path):
    class Interrupted(AnswerFile):
        def write(self, key, blurb):
            super().write(key, blurb)
            raise KeyboardInterrupt

    chat = Chat()
    with blurbs(chat) as contextualizer:
        contextualizer.cache = Interrupted(tmp_path / "b.sqlite")
        with Pipeline(chunker=chunker(), contextualizer=contextualizer) as pipeline:
            for n in (1, 2):
                with pytest.raises(KeyboardInterrupt):
                    pipeline.index(documents("a"))
                assert len(chat.bodies) == n


def test_a_cache_that_is_closed_by_one_pipeline_serves_the_next(tmp_path):
    chat = Chat()
    with blurbs(chat, cache=tmp_path / "b.sqlite") as contextualizer:
        for _ in range(2):
            with Pipeline(chunker=chunker(), contextualizer=contextualizer) as pipeline:
                pipeline.index(documents("a"))
    assert len(chat.bodies) == 3


def test_the_file_can_be_taken_away(tmp_path):
    file = AnswerFile(tmp_path / "b.sqlite")
    file.write(b"k", "blurb")
    file.close()
    (tmp_path / "b.sqlite").unlink()
    assert file.read([b"k"]) == {}
    (tmp_path / "b.sqlite").mkdir()
    with pytest.warns(RetrievoWarning, match="is not kept, and would be paid for again"):
        file.write(b"k", "blurb")
    file.write(b"k", "blurb")
