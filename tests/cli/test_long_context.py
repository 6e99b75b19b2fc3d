import json

import pytest


def test_it_prints_accuracy_by_length(retrievo, tmp_path):
    sizes = ["--queries", "3", "--candidates", "5", "--lengths", "256,512"]
    result = retrievo("long-context", *sizes, "--save", "kept")
    assert result.exit_code == 0, result.output
    assert "512 tokens  accuracy@1 1.00" in result.stdout
    assert (tmp_path / "kept" / "passkey-256" / "qrels" / "test.tsv").is_file()
    told = json.loads(retrievo("long-context", *sizes, "--task", "needle", "--json").stdout)
    assert told["task"] == "needle" and set(told["accuracy@1"]) == {"256", "512"}


def test_it_takes_a_configuration_and_draws(retrievo, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    (tmp_path / "words.toml").write_text("[retrievers.bm25]\n")
    arguments = ["--lengths", "256", "--queries", "2", "--candidates", "3", "--plot", "a.svg"]
    result = retrievo("long-context", *arguments, "--config", "words.toml")
    assert result.exit_code == 0 and "drawn into a.svg" in result.stderr
    assert "words" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lengths", "many"], "numbers with commas"),
        (["--lengths", "8"], "no room"),
        (["--queries", "9", "--candidates", "3"], "9 queries and 3 candidates"),
        (["--task", "haystack"], "haystack"),
    ],
)
def test_wrong_use(retrievo, arguments, said):
    result = retrievo("long-context", *arguments)
    assert result.exit_code == 2 and said in result.stderr
