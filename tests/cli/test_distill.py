"""A student made, used, told of by `doctor`, and refreshed, from the command line."""

import json

import pytest
from aligned import many


def write(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items))


@pytest.fixture
def indexed(retrievo, tmp_path):
    write(tmp_path / "docs.jsonl", many(150))
    result = retrievo("index", "docs.jsonl")
    assert result.exit_code == 0, result.output
    return retrievo


def test_a_life_of_a_student(indexed, tmp_path):
    result = indexed("distill", "--out", "student")
    assert result.exit_code == 0, result.output
    assert "queries:" in result.stdout and "[query_encoder]" in result.stdout
    assert 'use = "static-student"' in result.stdout
    result = indexed("distill", "--out", "student", "--force", "--install", "--json")
    told = json.loads(result.stdout)
    assert told["use"] == "static-student" and told["latency_ratio"] > 0
    assert told["card"]["queries"]["overlap"] > 0.5
    assert indexed("search", "copper violin", "--json").exit_code == 0
    state = json.loads(indexed("doctor", "--json").stdout)["index"]
    assert state["student"]["newer_chunks"] == 0 and not state["student"]["drifted"]
    new = [{"id": f"n{at}", "text": f"A zeppelin over the tundra, {at}."} for at in range(60)]
    write(tmp_path / "more.jsonl", new)
    assert indexed("index", "more.jsonl").exit_code == 0
    result = indexed("doctor")
    assert result.exit_code == 0
    assert "60 of 210 chunks are newer" in result.stdout and "--refresh" in result.stdout
    result = indexed("distill", "--refresh", "--out", "student", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["before"]["texts"] == 60 and told["card"]["chunks"] == 210
    assert "no chunk is newer" in indexed("doctor").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--student", "magic", "--out", "s"], 2, "one of static, layers, external"),
        (["--out", "docs.jsonl"], 2, "is a file"),
        (["--out", "s", "--min-overlap", "1.5"], 2, "from 0 to 1"),
        (["--out", "s", "--min-overlap", "1.0"], 1, "is not written"),
        (["--out", "s", "--refresh"], 2, "is no student"),
        (["--out", "s", "--index", "nowhere"], 1, "there is no index at nowhere"),
        ([], 2, "--out"),
    ],
)
def test_what_goes_wrong_is_one_line(indexed, arguments, code, said, tmp_path):
    result = indexed("distill", *arguments)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "s").exists() and "Traceback" not in result.output
