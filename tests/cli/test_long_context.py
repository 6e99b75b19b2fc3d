import json

import pytest

SIZES = ["--queries", "3", "--candidates", "5", "--lengths", "256,512"]


def test_it_prints_accuracy_by_length(retrievo, tmp_path):
    result = retrievo("long-context", *SIZES, "--save", "kept")
    assert result.exit_code == 0, result.output
    assert "       512        1.00     1.00" in result.stdout
    assert (tmp_path / "kept" / "passkey-256" / "qrels" / "test.tsv").is_file()
    told = json.loads(retrievo("long-context", *SIZES, "--task", "needle", "--json").stdout)
    assert told["task"] == "needle" and set(told["accuracy@1"]) == {"256", "512"}


def test_what_was_saved_is_tested_again(retrievo):
    first = retrievo("long-context", *SIZES, "--task", "needle", "--save", "kept", "--json").stdout
    told = json.loads(retrievo("long-context", "--task", "kept", "--json").stdout)
    assert told == {**json.loads(first), "task": "kept"}
    one = json.loads(
        retrievo("long-context", "--task", "kept", "--lengths", "512", "--json").stdout
    )
    assert one["accuracy@1"] == {"512": told["accuracy@1"]["512"]}


def test_it_takes_a_configuration_and_draws(retrievo, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    (tmp_path / "words.toml").write_text("[retrievers.bm25]\n")
    arguments = ["--lengths", "256", "--queries", "2", "--candidates", "3", "--plot", "a.svg"]
    result = retrievo("long-context", *arguments, "--config", "words.toml")
    assert result.exit_code == 0 and "drawn into a.svg" in result.stderr
    assert "words" in (tmp_path / "a.svg").read_text()


def test_the_index_is_in_memory_whatever_the_configuration_says(retrievo, tmp_path):
    (tmp_path / "disk.toml").write_text('[store]\nuse = "local"\npath = "mine"\n')
    result = retrievo("long-context", *SIZES, "--config", "disk.toml")
    assert result.exit_code == 0 and "'local' of disk.toml is not used" in result.stderr
    assert not (tmp_path / "mine").exists()


def test_the_encoder_alone(retrievo):
    told = json.loads(retrievo("long-context", *SIZES, "--whole", "--json").stdout)
    assert told["chunks"] == {"256": 5, "512": 5}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lengths", "many"], "numbers with commas"),
        (["--lengths", "8"], "no room"),
        (["--lengths", ","], "no length is given"),
        (["--queries", "9", "--candidates", "3"], "9 queries and 3 candidates"),
        (["--task", "haystack"], "passkey, needle or a folder"),
        (["--task", "kept", "--seed", "1"], "--seed"),
        (["--task", "kept", "--lengths", "512"], "no documents of 512 tokens, 64"),
    ],
)
def test_wrong_use(retrievo, tmp_path, arguments, said):
    from retrievo.evaluate.long_tasks import long_task

    long_task("passkey", 64, queries=1, candidates=1).write(tmp_path / "kept")
    result = retrievo("long-context", *arguments)
    assert result.exit_code == 2 and said in result.stderr
