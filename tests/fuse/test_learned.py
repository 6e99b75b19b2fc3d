"""A fusion that was fitted to judged queries: it follows the branch that is right."""

import json

import numpy as np
import pytest

from retrievo import ConfigError, DatasetError, Document, Pipeline
from retrievo.evaluate.datasets import Dataset
from retrievo.fuse.learned import Learned, LearnedWeights
from retrievo.tune.learned_fusion import Example, fit, learn_fusion
from retrievo.types import Candidates


def example(seed):
    """The branch "right" has the relevant row first, "noise" has it anywhere."""
    draw = np.random.default_rng(seed)
    rows = draw.permutation(30)
    scores = np.linspace(0.9, 0.1, 30, dtype=np.float32)
    branches = {
        "right": Candidates(rows, scores, 1.0),
        "noise": Candidates(draw.permutation(30), scores, 1.0),
    }
    return Example(branches, frozenset([int(rows[0])]))


def test_it_follows_the_branch_that_is_right(tmp_path):
    learned = fit([example(seed) for seed in range(40)])
    assert learned.queries == 40
    path = tmp_path / "fusion.json"
    learned.write(path)
    fusion = Learned(path)
    for seed in range(100, 130):
        branches, relevant = example(seed)
        assert fusion.fuse(branches, 1).rows[0] in relevant


def test_what_is_written_is_what_is_read(tmp_path):
    learned = fit([example(seed) for seed in range(5)], dataset="mine")
    learned.write(tmp_path / "fusion.json")
    assert LearnedWeights.read(tmp_path / "fusion.json") == learned


def test_the_same_examples_give_the_same_weights():
    examples = [example(seed) for seed in range(5)]
    assert fit(examples) == fit(examples)


def test_nothing_to_learn_from():
    branches, _ = example(1)
    for relevant in (frozenset(), frozenset([99])):
        with pytest.raises(DatasetError, match="nothing to learn a fusion from"):
            fit([Example(branches, relevant)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot read"),
        ("no json", "is no JSON"),
        ("[1]", "has format None"),
        (json.dumps({"format": 99}), "has format 99"),
        (json.dumps({"format": 1, "weights": {}}), "no finite weight"),
        (json.dumps({"format": 1, "weights": {"a": {"score": "much"}}}), "no finite weight"),
    ],
)
def test_files_that_hold_no_weights(tmp_path, text, said):
    path = tmp_path / "fusion.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        Learned(path)


def test_branches_that_it_was_not_learned_from_are_refused(tmp_path):
    path = tmp_path / "fusion.json"
    fit([example(0)]).write(path)
    with pytest.raises(ConfigError, match="right"):
        Learned(path).check_branches(["dense", "bm25"])


def test_learned_from_a_collection_and_used_by_a_pipeline(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    texts = {f"d{i}": f"thing{i} lies beside thing{i + 1} and thing{i + 2}" for i in range(30)}
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in texts.items())
    )
    (folder / "queries.jsonl").write_text(
        "".join(
            json.dumps({"_id": f"q{i}", "text": f"where is thing{i}"}) + "\n" for i in range(20)
        )
    )
    rows = "".join(f"q{i}\td{i}\t1\n" for i in range(20))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    path = tmp_path / "fusion.json"
    made = Pipeline()
    learned = learn_fusion(made, Dataset.read(folder), path)
    assert set(learned.weights) == {"dense", "bm25"} and learned.queries
    with Pipeline(fusion=Learned(path)) as using:
        using.index(Document(name, text) for name, text in texts.items())
        hit = using.search("where is thing12", top_k=1)[0]
        branches = hit.trace["branches"].values()
        assert sum(b["contribution"] for b in branches) == pytest.approx(hit.score, abs=1e-6)
