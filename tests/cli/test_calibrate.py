import json
import random
from importlib.util import find_spec

import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

from tiny_transformers import WORDS, tiny

from retrievo.cli.calibrate import _lines


@pytest.fixture
def model(tmp_path):
    tiny(tmp_path / "weights", "bert").save(str(tmp_path / "model"))
    return tmp_path / "model"


@pytest.fixture
def corpus(tmp_path):
    """A BEIR folder of 90 different texts; its queries must not count as documents."""
    rng = random.Random(1)
    folder = tmp_path / "corpus"
    folder.mkdir()
    items = [
        {"_id": str(n), "title": "", "text": " ".join(rng.choices(WORDS[5:], k=14))}
        for n in range(90)
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "the lazy fox"}\n\na dog\n')
    return folder


def test_the_grid_the_heads_and_the_drawing(retrievo, model, corpus, tmp_path):
    arguments = ["calibrate", corpus, "--model", model, "--layers", "2,4", "--dims", "8,16"]
    extra = ["--save-heads", "heads", "--queries", corpus / "queries.jsonl", "--json"]
    result = retrievo(*arguments, *extra)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["texts"], told["queries"], told["layers"], told["dim"]) == (90, 2, 4, 16)
    assert len(told["points"]) == 9
    assert (tmp_path / "heads" / "heads.safetensors").is_file() and "heads written" in result.stderr
    if find_spec("matplotlib"):
        result = retrievo(*arguments, "--plot", "grid.png")
        assert result.exit_code == 0 and (tmp_path / "grid.png").stat().st_size > 1000
        assert "overlap@10" in result.stdout and "ridge" in result.stdout
    assert not (tmp_path / "retrievo.index").exists()


def test_the_chunks_of_an_index_are_measured(retrievo, model, corpus, tmp_path):
    toml = tmp_path / "p.toml"
    toml.write_text(f'[encoder]\nuse = "sentence-transformers"\nmodel = "{model.as_posix()}"\n')
    assert retrievo("index", corpus / "corpus.jsonl", "--config", toml).exit_code == 0
    result = retrievo("calibrate", "--layers", "4", "--dims", "8", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["texts"] == 90


def test_wrong_use_is_one_line(retrievo, model, corpus, tmp_path):
    wrong = tmp_path / "queries.jsonl"
    wrong.write_text('{"query": "fox"}\n')
    for arguments, code, why in (
        ([corpus, "--layers", "two"], 2, "--layers is 'two'; whole numbers"),
        ([corpus], 2, "a StaticEncoder cannot be calibrated"),
        ([corpus, "--model", model, "--index", "x"], 2, "--model goes with paths alone"),
        ([corpus, "--model", model, "--queries", wrong], 2, "line 1: no JSON object with a text"),
        ([], 1, "no index"),
    ):
        result = retrievo("calibrate", *arguments)
        assert (result.exit_code, result.stdout) == (code, "")
        assert why in result.stderr and result.stderr.count("\n") == 1, result.stderr


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"text": null}', "the text is null, no string"),
        (b'{"text": {"a": 1}}', 'the text is {"a": 1}, no string'),
        ("\u00e9t\u00e9".encode("latin-1"), "not UTF-8 (invalid continuation byte, the byte 0xe9)"),
    ],
)
def test_queries_that_are_no_text_are_named_by_file_and_line(
    retrievo, model, corpus, tmp_path, line, why
):
    wrong = tmp_path / "queries.txt"
    wrong.write_bytes(b"the lazy fox\r\n\n" + line + b"\n")
    result = retrievo("calibrate", corpus, "--model", model, "--queries", wrong)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"queries.txt, line 3: {why}" in result.stderr and result.stderr.count("\n") == 1


def test_a_query_may_hold_any_white_space_but_a_line_feed(tmp_path):
    path = tmp_path / "queries.jsonl"
    path.write_text('\ufeff{"text": "a\u2028b"}\r\na\x0bb\n', encoding="utf-8")
    assert list(_lines(path)) == ["a\u2028b", "a\x0bb"]
