"""The commands on a real index of a few small files."""

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from retrievo.pipeline import Pipeline

ROOT = Path(__file__).parent.parent.parent
KEYS = "# Keys\n\nTo rotate a key, create a new one and revoke the old one."
DOORS = "---\nlang: en\nyear: 2019\n---\n# Doors\n\nThe front door is locked at eight."
HOSTILE = "The parrot says \x1b[2J\x1b]0;owned\x07 [bold]loudly[/bold]."


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "keys.md").write_text(KEYS, encoding="utf-8")
    (folder / "doors.md").write_text(DOORS, encoding="utf-8")
    (folder / "parrot.txt").write_text(HOSTILE, encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    return folder


@pytest.fixture
def indexed(retrievo, docs):
    result = retrievo("index", docs)
    assert result.exit_code == 0, result.output
    return retrievo


def test_index_reports_and_names_what_it_skipped(retrievo, docs, tmp_path):
    result = retrievo("index", docs, "--index", "x.index", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report) == {"documents", "chunks", "tokens", "seconds", "warnings"}
    assert report["documents"] == {"added": 3, "updated": 0, "deleted": 0, "kept": 0, "failed": 0}
    assert "picture.png" in result.stderr and result.stderr.startswith("warning: ")
    assert (tmp_path / "x.index").is_dir()


def test_a_second_run_writes_nothing_and_says_so(indexed, docs):
    result = indexed("index", docs)
    assert result.exit_code == 0
    assert "nothing to write: 3 documents unchanged" in result.stdout


def test_only_the_edited_file_is_written(indexed, docs):
    (docs / "keys.md").write_text(KEYS + "\n\nAsk the porter.", encoding="utf-8")
    report = json.loads(indexed("index", docs, "--json").stdout)
    assert report["documents"]["updated"] == 1 and report["documents"]["kept"] == 2


def test_a_dry_run_writes_nothing(retrievo, docs, tmp_path):
    result = retrievo("index", docs, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "would add 3 documents" in result.stdout
    assert not (tmp_path / "retrievo.index").exists()
    plan = json.loads(retrievo("index", docs, "--dry-run", "--json").stdout)
    assert len(plan["documents"]["add"]) == 3


def test_search_prints_one_json_object(indexed):
    result = indexed("search", "rotate a key", "--top-k", "2", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert set(answer) == {"query", "hits", "warnings", "timings"}
    best = answer["hits"][0]
    assert list(best) == [
        "rank", "score", "doc_id", "chunk_id", "start", "end", "text", "metadata", "trace"
    ]  # fmt: skip
    assert best["rank"] == 1 and best["doc_id"] == "keys.md" and len(answer["hits"]) == 2
    assert KEYS[best["start"] : best["end"]] == best["text"]
    branches = best["trace"]["branches"]
    assert sum(b["contribution"] for b in branches.values()) == pytest.approx(best["score"])


def test_search_prints_rank_document_and_span(indexed):
    out = indexed("search", "when is the front door locked?").stdout
    first = out.splitlines()[0]
    assert first.startswith("1. ") and "doors.md" in first and "[" in first
    assert "locked at eight" in out


def test_a_document_cannot_drive_the_terminal(indexed):
    out = indexed("search", "parrot").stdout
    assert "[bold]loudly[/bold]" in out
    assert "\x1b" not in out and "\x07" not in out and "owned" not in out


def test_a_filter_is_applied_and_an_empty_answer_told(indexed):
    answer = json.loads(indexed("search", "key", "--filter", "year < 2020", "--json").stdout)
    assert [hit["doc_id"] for hit in answer["hits"]] == ["doors.md"]
    nothing = indexed("search", "key", "--filter", 'lang == "tlh"')
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "nothing found that matches the filter" in nothing.stderr


def test_explain_accounts_for_a_document(indexed):
    result = indexed("explain", "rotate a key", "--doc", "doors.md")
    assert result.exit_code == 0, result.output
    assert "doors.md" in result.stdout
    json.loads(indexed("explain", "rotate a key", "--doc", "doors.md", "--json").stdout)


def test_a_config_is_used(retrievo, docs):
    assert retrievo("init").exit_code == 0
    assert retrievo("index", docs, "--config", "pipeline.toml").exit_code == 0
    result = retrievo("search", "rotate a key", "--config", "pipeline.toml", "--json")
    assert json.loads(result.stdout)["hits"][0]["doc_id"] == "keys.md"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('format = 1\n[encoder]\nuse = "statik"\n', ["[encoder]", "statik", "mean 'static'"]),
        ('format = 1\n[chunker]\nuse = "recursive"\nsize = 3\n', ["[chunker]", "size"]),
        ("format = 7\n", ["format = 7"]),
        ("format = 1\n[encoder\n", ["pipeline.toml"]),
    ],
)
def test_a_wrong_config_is_one_line_and_exit_2(retrievo, docs, tmp_path, text, told):
    (tmp_path / "pipeline.toml").write_text(text)
    for command in (["index", docs], ["search", "x"]):
        result = retrievo(*command, "--config", "pipeline.toml")
        assert result.exit_code == 2, result.output
        assert result.stdout == "" and result.stderr.count("\n") == 1
        assert all(part in result.stderr for part in told)


def test_a_missing_index_is_told_with_the_way_out(retrievo):
    for command in (["search", "x"], ["explain", "x", "--doc", "d"]):
        result = retrievo(*command, "--index", "gone.index", "--json")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "gone.index" in result.stderr and "retrievo index PATH" in result.stderr


def test_an_index_that_another_process_holds_is_told(indexed, tmp_path):
    holder = (
        "import sys, time; from retrievo import Pipeline\n"
        "p = Pipeline.open('retrievo.index'); p.store; print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", holder],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout.readline() == b"held\n"
        result = indexed("search", "key")
        assert result.exit_code == 1 and f"process {other.pid}" in result.stderr
        assert result.stderr.count("\n") == 1
        found = json.loads(indexed("doctor", "--json").stdout)["index"]
        assert (found["state"], found["ok"]) == ("locked", None)
    finally:
        other.communicate(b"")


def test_doctor_tells_the_passport_and_health(indexed):
    state = json.loads(indexed("doctor", "--json").stdout)["index"]
    assert (state["state"], state["ok"], state["documents"]) == ("open", True, 3)
    assert state["passport"]["encoder"]["dim"] > 0
    assert "3 documents" in indexed("doctor").stdout


def test_ctrl_c_leaves_an_index_that_can_be_used(retrievo, docs, monkeypatch):
    def stop(progress):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("retrievo.ingest.changes.CHUNKS_A_BATCH", 1)
        patched.setattr("retrievo.cli.index.progress_bar", lambda: nullcontext(stop))
        result = retrievo("index", docs)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "retrievo.index holds 1 documents and can be used" in result.stderr
    assert result.stderr.count("\n") == 1
    assert json.loads(retrievo("search", "door", "--json").stdout)["hits"]
    report = json.loads(retrievo("index", docs, "--json").stdout)
    assert report["documents"]["added"] == 2 and report["documents"]["kept"] == 1


def test_ctrl_c_before_anything_is_written(retrievo, docs, monkeypatch):
    def stopped(pipeline, sources, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Pipeline, "index", stopped)
    result = retrievo("index", docs)
    assert (result.exit_code, result.stderr) == (1, "stopped before anything was written\n")


def test_options_of_a_search_on_the_command_line(indexed):
    flags = ["--expand-context", "1", "--drop-duplicates", "0.9", "--max-context-tokens", "60"]
    flags += ["--context-tokenizer", "static", "--timeout", "20", "--strict"]
    result = indexed("search", "rotate a key", *flags, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert 0 < found["tokens"] == sum(hit["trace"]["tokens"] for hit in found["hits"]) <= 60
    assert indexed("search", "rotate a key", "--drop-duplicates", "7").exit_code == 2
    assert indexed("search", "rotate a key", "--timeout", "-1").exit_code == 2


def test_explain_says_what_kept_a_document_from_the_best(indexed):
    result = indexed("explain", "rotate a key", "--doc", "doors.md", "--top-k", "1")
    assert "not among the best 1" in result.stdout
    told = json.loads(indexed("explain", "rotate a key", "--doc", "nowhere", "--json").stdout)
    assert told["why_not"]["step"] == "not indexed"
