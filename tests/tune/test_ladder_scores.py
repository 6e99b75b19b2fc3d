import json
import math

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")

from tiny_model import sentences

from retrievo.errors import DatasetError
from retrievo.evaluate.datasets import Dataset
from retrievo.tune.judged import Judged
from retrievo.tune.ladder_scores import gain, nearest, overlap
from retrievo.tune.ladder_texts import divide


def test_overlap_counts_what_both_found():
    found, wanted = np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), np.array([[4, 9, 1, 0], [5, 6, 7, 8]])
    assert overlap(found, wanted) == (2 + 4) / 8


def test_equal_scores_are_ordered_by_place():
    documents = np.eye(3, dtype=np.float32)[[0, 1, 0, 1]]
    assert nearest(np.eye(3, dtype=np.float32)[1:2], documents).tolist() == [[1, 3, 0, 2]]


def test_gain_is_ndcg():
    # The one relevant document of the first query is second, the second query's is not found.
    found = np.array([[3, 0], [1, 2]])
    assert gain(found, [{0: 1}, {0: 1}]) == pytest.approx(0.5 / math.log2(3))


def test_texts_are_divided_once_and_for_all():
    texts = [f"{text} {text}" for text in sentences(200)]
    made = divide(texts, piece_tokens=12, held_out=50, longest=40, seed=1)
    assert len(made.held_out) == len(made.beginnings) == 20 and made.given == 200
    assert all(len(text) <= 40 for text in made.held_out)
    whole = {text for text in texts if not any(text.startswith(kept) for kept in made.held_out)}
    assert len(whole) == 180 and len(made.pieces) > 300
    assert all(any(piece in text for text in whole) for piece in made.pieces)
    assert made == divide(texts, piece_tokens=12, held_out=50, longest=40, seed=1)
    assert made != divide(texts, piece_tokens=12, held_out=50, longest=40, seed=2)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "qrels").mkdir()
    lines = [{"_id": f"d{n}", "title": f"t{n}", "text": f"x{n}"} for n in range(10)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "asked"}))
    (tmp_path / "qrels" / "test.tsv").write_text("q\td4\t2\nq\td9\t0\n")
    return tmp_path


def test_judged_documents_and_some_others(folder):
    made = Judged.read(Dataset.read(folder), others=3)
    assert made.documents[:2] == ["t4\nx4", "t9\nx9"] and len(set(made.documents)) == 5
    assert (made.queries, made.grades) == (["asked"], [{0: 2, 1: 0}])
    assert made == Judged.read(Dataset.read(folder), others=3)
    assert len(Judged.read(Dataset.read(folder), others=None).documents) == 10


def test_a_collection_whose_judged_documents_are_missing(folder):
    (folder / "qrels" / "test.tsv").write_text("q\tgone\t1\n")
    with pytest.raises(DatasetError, match="none of the judged documents"):
        Judged.read(Dataset.read(folder), others=3)
