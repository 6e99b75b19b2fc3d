"""An index moved to another encoder from the command line: static vectors to shorter ones."""

import json

import pytest
from aligned import many

NEW = 'format = 1\n[encoder]\nuse = "static"\ntruncate_dim = 128\n'


@pytest.fixture
def indexed(retrievo, tmp_path):
    items = many(300)
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (tmp_path / "new.toml").write_text(NEW)
    result = retrievo("index", "docs.jsonl")
    assert result.exit_code == 0, result.output
    return retrievo


def dim(retrievo):
    state = json.loads(retrievo("doctor", "--json").stdout)["index"]
    return state["passport"]["encoder"]["dim"], state["migration"]


def test_in_one_go(indexed):
    result = indexed("migrate", "--config", "new.toml", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["finished"] and told["documents"] == {"moved": 300, "total": 300}
    assert (told["from"]["dim"], told["to"]["dim"]) == (256, 128)
    assert told["map"]["accepted"] and told["moved"]["chunks"]["written"] == 300
    assert dim(indexed) == (128, None)
    assert indexed("search", "copper violin").exit_code == 0
    result = indexed("index", "docs.jsonl")
    assert "nothing to write: 300 documents unchanged" in result.stdout


def test_begun_told_of_and_gone_on_with(indexed):
    result = indexed("migrate", "--config", "new.toml", "--begin")
    assert result.exit_code == 0, result.output
    assert "old encoder" in result.stdout and "0 of 300 documents moved" in result.stdout
    assert "is accepted" in result.stdout
    size, moving = dim(indexed)
    assert size == 256 and moving["to"]["dim"] == 128
    assert "moving to the encoder" in indexed("doctor").stdout
    hits = json.loads(indexed("search", "copper violin", "--json").stdout)["hits"]
    ways = {hit["trace"]["branches"]["dense"].get("scored_by") for hit in hits}
    assert "wordllama-l2-supercat-256 (mapped)" in ways
    result = indexed("migrate")
    assert result.exit_code == 0, result.output
    assert "is an index of wordllama" in result.stdout and dim(indexed) == (128, None)


def test_given_up(indexed):
    assert indexed("migrate", "--cancel").exit_code == 2
    assert indexed("migrate", "--config", "new.toml", "--begin").exit_code == 0
    result = indexed("migrate", "--cancel")
    assert (result.exit_code, "given up" in result.stdout) == (0, True)
    assert dim(indexed) == (256, None)


def test_read_and_cut_anew(indexed):
    result = indexed("migrate", "docs.jsonl", "--config", "new.toml", "--answers", "old")
    assert result.exit_code == 0, result.output
    assert dim(indexed) == (128, None)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "no migration is under way"),
        (["--config", "new.toml", "--model", "m"], 2, "leave one out"),
        (["--config", "other.toml"], 2, "changes [encoder] alone, and [chunker]"),
        (["--config", "none.toml"], 2, "has no [encoder]"),
        (["--config", "same.toml"], 2, "nothing to migrate"),
        (["--config", "new.toml", "--answers", "nobody"], 2, "'mapped' or 'old'"),
        (["docs.jsonl", "--config", "new.toml"], 2, "goes with answers = 'old'"),
        (["--config", "new.toml", "--index", "nowhere"], 1, "there is no index at nowhere"),
        (["--config", "new.toml", "--min-share", "7"], 2, "above 0 and up to 1"),
        (["--config", "new.toml", "--sample", "100"], 1, "too few to judge"),
    ],
)
def test_what_goes_wrong_is_one_line_and_begins_nothing(indexed, tmp_path, arguments, code, said):
    (tmp_path / "other.toml").write_text(NEW + "[chunker]\nchunk_size = 50\n")
    (tmp_path / "none.toml").write_text("format = 1\n")
    (tmp_path / "same.toml").write_text('format = 1\n[encoder]\nuse = "static"\n')
    result = indexed("migrate", *arguments)
    assert result.exit_code == code, result.output
    assert said in " ".join(result.stderr.split())
    assert dim(indexed) == (256, None) and "Traceback" not in result.output
