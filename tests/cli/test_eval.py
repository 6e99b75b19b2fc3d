import json

import pytest

TOPICS = ["parrots", "bridges", "violins", "glaciers", "lanterns"]


@pytest.fixture
def collection(tmp_path):
    """Five documents on five things, and a query for each."""
    folder = tmp_path / "topics"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": t, "title": "", "text": f"Everything about {t}.\n" * 3} for t in TOPICS]
    queries = [{"_id": f"q-{t}", "text": f"tell me of {t}"} for t in TOPICS]
    queries[0]["filter"] = {"colour": "green"}
    for name, items in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    rows = "".join(f"q-{t}\t{t}\t1\n" for t in TOPICS)
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return folder


def test_a_perfect_pipeline_gets_perfect_numbers(retrievo, collection, tmp_path):
    result = retrievo("eval", collection, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["metrics"] == {"ndcg@10": 1.0, "recall@100": 1.0, "mrr@10": 1.0}
    assert (report["dataset"], report["queries"]) == ("topics", 5)
    assert report["queries_per_second"] > 0
    lines = (tmp_path / report["per_query"]).read_text().splitlines()
    assert [json.loads(line)["query_id"] for line in lines] == [f"q-{t}" for t in TOPICS]
    assert not (tmp_path / "retrievo.index").exists()
    assert "--filters" in result.stderr


def test_its_own_index_is_kept_and_used_again(retrievo, collection, tmp_path):
    arguments = ["eval", collection, "--index", "kept.index", "--metrics", "nDCG@3,p@1"]
    out = retrievo(*arguments, "--per-query", "out.jsonl").stdout
    assert "nDCG@3" in out and "1.0000" in out and "out.jsonl" in out
    assert (tmp_path / "kept.index").is_dir() and (tmp_path / "out.jsonl").is_file()
    report = json.loads(retrievo(*arguments, "--filters", "--json").stdout)
    # The first query asks for a colour that no document has.
    assert report["metrics"] == {"nDCG@3": pytest.approx(0.8), "p@1": pytest.approx(0.8)}


def test_an_unknown_metric_is_wrong_use(retrievo, collection):
    result = retrievo("eval", collection, "--metrics", "ndgc@10")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean 'ndcg@10'" in result.stderr


def test_a_malformed_collection_is_one_line(retrievo, collection):
    (collection / "qrels" / "test.tsv").write_text("q\td\tx\nq\td\tx\n")
    result = retrievo("eval", collection)
    assert result.exit_code == 1
    assert "line 2: the grade is 'x'" in result.stderr and result.stderr.count("\n") == 1


def test_a_missing_split_is_told(retrievo, collection):
    result = retrievo("eval", collection, "--split", "dev")
    assert result.exit_code == 1 and "dev.tsv is not there" in result.stderr


def test_two_runs_are_compared(retrievo, collection, tmp_path):
    (tmp_path / "words.toml").write_text("[retrievers.bm25]\n")
    retrievo("eval", collection, "--per-query", "before.jsonl", "--config", "words.toml")
    result = retrievo("eval", collection, "--against", "before.jsonl")
    assert result.exit_code == 0
    assert "against before.jsonl:" in result.stdout
    assert "ndcg@10 1.0000 -> 1.0000 (+0.0000" in " ".join(result.stdout.split())
    told = json.loads(retrievo("eval", collection, "--against", "before.jsonl", "--json").stdout)
    assert {one["metric"]: one["p"] for one in told["against"]}["ndcg@10"] == 1.0
    (tmp_path / "other.txt").write_text("nothing\n")
    refused = retrievo("eval", collection, "--against", "other.txt")
    assert refused.exit_code == 1 and "not the results of a query" in refused.stderr
