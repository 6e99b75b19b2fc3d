import json

import pytest
from tiny_model import sentences, tiny_model

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")
pytest.importorskip("datasets", reason="needs the extra 'train'")
pytest.importorskip("accelerate", reason="needs the extra 'train'")

QUICK = ("--steps", "2", "--batch-size", "8", "--points", "1:8,2:16", "--lr", "1e-4")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture
def collection(tmp_path):
    folder = tmp_path / "few"
    (folder / "qrels").mkdir(parents=True)
    texts = sentences(80)
    lines = [json.dumps({"_id": f"d{n}", "text": text}) for n, text in enumerate(texts)]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": texts[3]}))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td3\t1\n")
    return folder


def test_a_ladder_is_trained_and_told(retrievo, model, collection, tmp_path):
    result = retrievo(
        "train", "ladder", model, collection, "--dataset", collection, "--others", 20,
        "--output", "out", *QUICK, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["output"] == "out" and told["training"]["judged_documents"] == 21
    assert told["points"][-1]["raw"] == {"overlap@10": 1.0, "ndcg@10": 1.0}
    assert (tmp_path / "out" / "modules.json").is_file()
    again = retrievo("train", "ladder", model, collection, "--output", "out", *QUICK)
    assert again.exit_code == 2 and "--force" in again.stderr


def test_files_and_a_table(retrievo, model, tmp_path):
    for at, text in enumerate(sentences(60)):
        (tmp_path / f"{at}.txt").write_text(text)
    result = retrievo("train", "ladder", model, tmp_path, "--output", tmp_path / "made", *QUICK)
    assert result.exit_code == 0, result.output
    assert "overlap@10 trained" in " ".join(result.stdout.split())
    assert "2 steps of 8 of 16 pieces" in result.stdout


def test_the_chunks_of_an_index(retrievo, model, tmp_path):
    (tmp_path / "texts").mkdir()
    for at, text in enumerate(sentences(60)):
        (tmp_path / "texts" / f"{at}.txt").write_text(text)
    assert retrievo("index", tmp_path / "texts", "--index", "i.index").exit_code == 0
    result = retrievo("train", "ladder", model, "--index", "i.index", *QUICK, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["training"]["texts"] == 60


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--points", "one"), "is no LAYERS:DIM"),
        (("--method", "other"), "method is 'other'"),
        ((), "no texts"),
    ],
)
def test_wrong_use_is_told_before_anything_is_loaded(retrievo, model, arguments, message):
    result = retrievo("train", "ladder", model, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and result.stderr.count("\n") == 1
