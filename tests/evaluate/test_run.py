"""The arithmetic of an evaluation, with a pipeline that answers by rote."""

import json
import random
from types import SimpleNamespace

import ir_measures
import pytest

from retrievo.errors import ConfigError
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.run import evaluate
from retrievo.hits import Hit, Hits
from retrievo.ingest.report import IndexReport
from retrievo.types import Chunk

METRICS = {"ndcg@10": "nDCG@10", "recall@20": "R@20", "mrr@10": "RR@10", "map@20": "AP@20"}


class ByRote:
    """Answers each query with a list of document ids that was set beforehand."""

    def __init__(self, answers, strangers=0):
        self.answers, self.asked, self.indexed = answers, [], []
        self.store = SimpleNamespace(document_count=lambda: len(self.indexed) + strangers)

    def index(self, documents, *, progress=None):
        self.indexed = [document.id for document in documents]
        return IndexReport(added=len(self.indexed), warnings=["told by index"])

    def search(self, query, *, top_k, filters=None, per_document):
        self.asked.append((query, top_k, filters, per_document))
        ranked = self.answers.get(query, [])[:top_k]
        return Hits(
            [Hit(Chunk(doc, "", 0, 0), 1.0 / i, i, {}) for i, doc in enumerate(ranked, start=1)]
        )


@pytest.fixture
def collection(tmp_path):
    """40 queries over 60 documents, graded at random; some find nothing."""
    rng = random.Random(3)
    documents = [f"d{i}" for i in range(60)]
    folder = tmp_path / "rote"
    folder.mkdir()
    qrels, answers, queries = {}, {}, []
    for i in range(40):
        qrels[f"q{i}"] = {doc: rng.randint(0, 2) for doc in rng.sample(documents, 12)}
        answers[f"text {i}"] = rng.sample(documents, rng.choice([0, 5, 20, 50]))
        queries.append({"_id": f"q{i}", "text": f"text {i}"})
    queries[1]["filter"] = {"year": 2020}
    write = lambda name, lines: (folder / name).write_text("\n".join(lines), encoding="utf-8")  # noqa: E731
    write("corpus.jsonl", [json.dumps({"_id": doc, "text": "x"}) for doc in documents])
    write("queries.jsonl", map(json.dumps, queries))
    write("qrels.tsv", [f"{q}\t{d}\t{g}" for q, grades in qrels.items() for d, g in grades.items()])
    return SimpleNamespace(folder=folder, qrels=qrels, answers=answers)


def test_means_equal_those_of_ir_measures(collection):
    pipeline = ByRote(collection.answers)
    report = evaluate(pipeline, Dataset.read(collection.folder), list(METRICS))
    ranked = {f"q{i}": collection.answers[f"text {i}"][:20] for i in range(40)}
    run = {query: {doc: -float(i) for i, doc in enumerate(docs)} for query, docs in ranked.items()}
    theirs = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in METRICS.values()], collection.qrels, run
    )
    assert (report.dataset, report.queries, report.documents) == ("rote", 40, 60)
    assert list(report.metrics) == list(METRICS)
    for ours, name in METRICS.items():
        measure = ir_measures.parse_measure(name)
        assert report.metrics[ours] == pytest.approx(theirs[measure], abs=1e-6), ours


def test_queries_are_asked_by_document_as_deep_as_the_deepest_metric(collection):
    pipeline = ByRote(collection.answers)
    report = evaluate(pipeline, Dataset.read(collection.folder), ["p@3", "recall@37"])
    assert {(top_k, per_document) for _, top_k, _, per_document in pipeline.asked} == {(37, True)}
    assert all(filters is None for _, _, filters, _ in pipeline.asked)
    assert report.queries_per_second > 0
    nothing = sum(not ranked for ranked in collection.answers.values())
    assert nothing > 0
    assert report.warnings == [
        "told by index",
        "1 queries carry a filter that was not used; --filters uses it",
        f"{nothing} of 40 queries found nothing, and count 0",
    ]


def test_filters_are_used_when_asked_for(collection):
    pipeline = ByRote(collection.answers)
    report = evaluate(pipeline, Dataset.read(collection.folder), use_filters=True)
    assert ("text 1", 100, {"year": 2020}, True) in pipeline.asked
    assert not any("--filters" in warning for warning in report.warnings)


def test_results_of_each_query_are_written(collection, tmp_path):
    path = tmp_path / "out.jsonl"
    seen = []
    report = evaluate(
        ByRote(collection.answers),
        Dataset.read(collection.folder),
        ["mrr@10"],
        per_query=path,
        progress=seen.append,
    )
    results = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [result["query_id"] for result in results] == [f"q{i}" for i in range(40)]
    mean = sum(result["metrics"]["mrr@10"] for result in results) / 40
    assert mean == pytest.approx(report.metrics["mrr@10"])
    assert results[0]["relevant"] == collection.qrels["q0"]
    for i, result in enumerate(results):
        ranked = [hit["doc_id"] for hit in result["hits"]]
        assert ranked == collection.answers[f"text {i}"][:10]
    assert report.as_dict()["per_query"] == str(path)
    assert (seen[-1].documents, seen[-1].total, seen[-1].stage) == (40, 40, "search")


def test_what_spoils_the_numbers_is_told(collection):
    with (collection.folder / "qrels.tsv").open("a", encoding="utf-8") as file:
        file.write("\nq0\tgone\t1")
    report = evaluate(ByRote({}, strangers=2), Dataset.read(collection.folder), use_filters=True)
    assert report.warnings[1].startswith("1 judged documents are not in corpus.jsonl")
    assert report.warnings[2].startswith("the index holds 2 documents that are not of rote")
    assert set(report.metrics.values()) == {0.0}


def test_the_report_is_the_json_that_programs_rely_on(collection):
    report = evaluate(ByRote(collection.answers), Dataset.read(collection.folder)).as_dict()
    assert json.loads(json.dumps(report)) == report
    assert {"dataset", "queries", "metrics", "queries_per_second", "per_query"} <= set(report)
    assert list(report["metrics"]) == ["ndcg@10", "recall@100", "mrr@10"]


def test_an_unknown_metric_is_told_before_anything_is_indexed(collection):
    pipeline = ByRote(collection.answers)
    with pytest.raises(ConfigError, match="did you mean"):
        evaluate(pipeline, Dataset.read(collection.folder), ["ndgc@10"])
    assert pipeline.indexed == []
