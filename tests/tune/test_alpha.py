import json

import numpy as np
import pytest
from pipelines import CountingEncoder

from retrievo import Pipeline
from retrievo.errors import ConfigError
from retrievo.evaluate.datasets import Dataset
from retrievo.retrieve.dense import DenseRetriever
from retrievo.tune.alpha import choose_alpha

N = 40


class Tells(CountingEncoder):
    """A vector of a text says its name or nothing, that of its context its name or another."""

    dim = N + 1

    def __init__(self, own):
        super().__init__(f"tells-{own}")
        self.own = own

    def _of(self, names):
        vectors = np.zeros((len(names), self.dim), np.float32)
        for row, name in enumerate(names):
            vectors[row, name] = 1
        return vectors

    def encode_query(self, texts):
        return self._of([int(text) for text in texts])

    def encode_document(self, texts):
        return self._of([int(text.split()[0]) if self.own else N for text in texts])

    def encode_spans(self, texts, spans, contexts=None):
        shift = 1 if self.own else 0
        return [self._of([(int(text.split()[0]) + shift) % N]) for text in texts]


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "qrels").mkdir()
    corpus = [{"_id": f"d{n}", "title": "", "text": f"{n} text"} for n in range(N)]
    queries = [{"_id": f"q{n}", "text": str(n)} for n in range(N)]
    for name, items in (("corpus", corpus), ("queries", queries)):
        lines = "".join(json.dumps(item) + "\n" for item in items)
        (tmp_path / f"{name}.jsonl").write_text(lines)
    rows = "".join(f"q{n}\td{n}\t1\n" for n in range(N))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return Dataset.read(tmp_path)


def pipeline_of(own, **given):
    encoder, store = Tells(own), Pipeline.part("store", "memory")
    dense = DenseRetriever(encoder, store, **given)
    return Pipeline(encoder=encoder, store=store, retrievers={"dense": dense}), dense


@pytest.mark.parametrize(("own", "good", "bad"), [(True, 1.0, 0.0), (False, 0.0, 1.0)])
def test_the_side_that_tells_is_taken(dataset, own, good, bad):
    pipeline, dense = pipeline_of(own, context="situated-pair", alpha=0.3)
    report = choose_alpha(pipeline, dataset, metric="mrr@10", shares=(0.0, 0.4, 1.0))
    assert list(report.values) == [0.0, 0.4, 0.5, 1.0]
    assert report.values[good] == 1.0 > report.values[bad]
    assert dense.alpha == 0.3, "the pipeline has its own share again"
    assert f"alpha {good:.1f}: mrr@10 1.0000" in str(report)


def test_what_is_not_surely_better_is_left(dataset):
    pipeline, _ = pipeline_of(False, context="situated-pair")
    report = choose_alpha(pipeline, dataset, metric="mrr@10", shares=(0.4, 0.45))
    assert report.alpha == 0.5 and report.comparison is None


def test_a_mixed_index_has_no_share_to_choose(dataset):
    pipeline, dense = pipeline_of(True, context="situated")
    with pytest.raises(ConfigError, match="context = 'situated-pair'"):
        choose_alpha(pipeline, dataset)
    with pytest.raises(ConfigError, match="only a pair's may be set"):
        dense.alpha = 0.1
