import json

import numpy as np
import pytest

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError
from retrievo.evaluate.datasets import Dataset, JudgedQuery
from retrievo.evaluate.long_context import LongReport, long_context, measure, one_vector
from retrievo.evaluate.long_tasks import LongTask, long_task
from retrievo.evaluate.run import evaluate

SMALL = {"queries": 5, "candidates": 10}


def test_a_pipeline_that_finds_words_finds_every_key():
    report = long_context(Pipeline, lengths=(256, 2048), **SMALL)
    assert report.accuracy == report.ndcg == {256: 1.0, 2048: 1.0} and report.mean == 1
    assert report.chunks[2048] > report.chunks[256] >= 10
    assert "\n     2,048        1.00     1.00" in str(report)
    told = json.loads(json.dumps(report.as_dict()))
    assert told["accuracy@1"] == {"256": 1.0, "2048": 1.0}
    assert told["mean"] == {"accuracy@1": 1.0, "ndcg@10": 1.0}


def test_a_pipeline_that_reads_the_beginning_misses_most():
    class Beginning:
        def chunk(self, document):
            return [*Pipeline.part("chunker", "recursive").chunk(document)][:1]

    report = long_context(lambda: Pipeline(chunker=Beginning()), lengths=(4096,), **SMALL)
    assert report.accuracy[4096] < 0.6


def test_it_counts_as_an_evaluation_of_the_same_collection_does(tmp_path):
    made = long_task("needle", 256, queries=20, candidates=40)
    made.write(tmp_path / "needle-256")
    dataset = Dataset.read(tmp_path / "needle-256")
    wanted = evaluate(Pipeline(), dataset, ("p@1", "ndcg@10")).metrics
    report = measure(Pipeline, [made])
    assert 0 < report.accuracy[256] < 1
    assert report.accuracy[256] == pytest.approx(wanted["p@1"])
    assert report.ndcg[256] == pytest.approx(wanted["ndcg@10"])


class Letters:
    """An encoder that reads the first four words, and counts the letters a, b and c in them."""

    dim, max_tokens, fingerprint = 3, 4, "letters"

    def token_spans(self, text):
        return np.zeros((len(text.split()), 2), dtype=np.int32)

    def identity(self):
        return {"name": "letters"}

    def encode_document(self, texts):
        counts = [[" ".join(t.split()[:4]).count(letter) for letter in "abc"] for t in texts]
        vectors = np.array(counts, dtype=np.float32).reshape(-1, 3)
        return vectors / np.maximum(1e-9, np.linalg.norm(vectors, axis=1, keepdims=True))

    encode_query = encode_document


def test_an_encoder_alone_has_one_vector_a_document():
    # By hand: of the third document (2, 2, 0) is read, its c is not. The cosines of (1, 1, 1) are
    # 1/√3, 1/√3 and 2/√6; those of (0, 1, 0) are 0, 1 and 1/√2, so that the third comes second.
    documents = (
        Document("1", "a a a a"),
        Document("2", "b b b b"),
        Document("3", "a a b b c"),
    )
    queries = (JudgedQuery("q", "b", {"2": 1}), JudgedQuery("r", "a b c", {"3": 1}))
    task = LongTask("letters", 5, documents, queries)
    report = measure(one_vector(Letters()), [task])
    assert (report.accuracy[5], report.ndcg[5], report.chunks[5]) == (1.0, 1.0, 3)
    missed = LongTask("letters", 5, documents, (JudgedQuery("q", "b", {"3": 1}),))
    report = measure(one_vector(Letters()), [missed])
    assert report.accuracy[5] == 0 and report.ndcg[5] == pytest.approx(1 / np.log2(3))
    assert any("than the 4 that the encoder reads" in said for said in report.warnings)


def test_warnings_of_a_task_are_told_with_its_length():
    document = (Document("1", "a text"),)
    queries = (JudgedQuery("q", "text", {"1": 1}),)
    report = measure(Pipeline, [LongTask("mine", 7, document, queries, ["one is left out"])])
    assert report.warnings == ["7 tokens: one is left out"] and report.task == "mine"


def test_progress_is_over_all_lengths():
    seen = []
    long_context(Pipeline, lengths=(64, 128), **SMALL, progress=seen.append)
    assert {done.stage for done in seen} == {"index"} and {done.total for done in seen} == {20}
    assert seen[-1].documents == 20
    assert [done.documents for done in seen] == sorted(done.documents for done in seen)


def test_it_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from retrievo.evaluate.long_plot import plot

    report = LongReport("passkey", {256: 1.0, 512: 0.5}, 50, 100)
    for name in ("a.svg", "b.png"):
        plot({"default": report, "other": report}, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1_000
    assert "passkey" in (tmp_path / "a.svg").read_text()


def test_no_length():
    with pytest.raises(ConfigError, match="no length is given"):
        long_context(Pipeline, lengths=())
