import json

import pytest

from retrievo.errors import DatasetError
from retrievo.evaluate.datasets import Dataset

CORPUS = [
    {"_id": "d1", "title": "Keys", "text": "Rotate a key.", "attributes": {"year": 2020}},
    {"_id": "d 2", "text": "Doors", "metadata": {"lang": "en"}},
    {"_id": 3, "title": None, "text": ""},
]
QUERIES = [
    {"_id": "q1", "text": "rotate", "filter": {"year": 2020}},
    {"_id": "q2", "text": "doors"},
    {"_id": "q3", "text": "nobody judged this"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td 2\t0\nq2\td 2\t1\n"


def lines(items):
    return "".join(json.dumps(item) + "\n" for item in items)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "small"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(lines(CORPUS), encoding="utf-8")
    (folder / "queries.jsonl").write_text(lines(QUERIES), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(QRELS, encoding="utf-8")
    return folder


def test_a_folder_is_read(folder):
    dataset = Dataset.read(folder)
    assert dataset.name == "small"
    assert dataset.warnings == []
    assert [(q.id, q.text, dict(q.grades), q.filter) for q in dataset.queries] == [
        ("q1", "rotate", {"d1": 2, "d 2": 0}, {"year": 2020}),
        ("q2", "doors", {"d 2": 1}, None),
    ]
    documents = list(dataset.documents())
    assert [(d.id, d.title, d.text, dict(d.metadata)) for d in documents] == [
        ("d1", "Keys", "Rotate a key.", {"year": 2020}),
        ("d 2", "", "Doors", {"lang": "en"}),
        ("3", "", "", {}),
    ]


def test_documents_are_read_one_by_one(folder):
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    documents = Dataset.read(folder).documents()
    assert next(documents).id == "d1"
    with pytest.raises(DatasetError, match=r"corpus\.jsonl, line 4: not JSON"):
        list(documents)


def test_the_header_is_optional_and_the_file_may_lie_beside_the_corpus(folder):
    (folder / "qrels" / "test.tsv").unlink()
    (folder / "qrels.tsv").write_bytes(b"\xef\xbb\xbfq1\td1\t1\r\n\r\nq2\td1\t1\r\n")
    dataset = Dataset.read(folder)
    assert [dict(query.grades) for query in dataset.queries] == [{"d1": 1}, {"d1": 1}]


def test_a_split_has_its_own_judgments_and_queries(folder):
    (folder / "qrels" / "train.tsv").write_text("t1\td1\t1\n", encoding="utf-8")
    (folder / "queries_train.jsonl").write_text(lines([{"_id": "t1", "text": "x"}]))
    assert [query.id for query in Dataset.read(folder, split="train").queries] == ["t1"]


def test_unknown_queries_and_documents_are_counted(folder):
    with (folder / "qrels" / "test.tsv").open("a", encoding="utf-8") as file:
        file.write("q9\td1\t1\nq2\tgone\t1\n")
    dataset = Dataset.read(folder)
    assert dataset.warnings == [
        "1 of 3 judged queries are not in queries.jsonl and are left out, as 'q9'"
    ]
    known = {document.id for document in dataset.documents()}
    assert dataset.unknown_documents(known) == ["gone"]


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(DatasetError, match=r"is not there; a BEIR folder holds") as caught:
        Dataset.read(folder)
    assert missing in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("queries.jsonl", b'{"_id": "q1", "text": "a"}\n[1]\n', "line 2: a list"),
        ("queries.jsonl", b'{"_id": "q1", "text": "a"}\n{"text": "a"}\n', "line 2: _id is None"),
        ("queries.jsonl", b'{"_id": "q1"}\n', "line 1: text is None"),
        ("queries.jsonl", b'{"_id": "q1", "text": "a"}\n' * 2, "line 2: _id 'q1' occurs twice"),
        ("queries.jsonl", b'{"_id": "q1", "text": "a", "filter": "x"}', "line 1: filter is a str"),
        ("queries.jsonl", b'\n{"_id": "q1", "text": "\xff"}\n', "line 2: not UTF-8"),
        ("queries.jsonl", b'{"_id": "other", "text": "a"}', "none of the 2 queries"),
        ("qrels/test.tsv", b"q1\td1\t1\nq1\td1\n", "line 2: 2 columns"),
        ("qrels/test.tsv", b"q1\td1\t1\nq1\td1\tx\n", "line 2: the grade is 'x'"),
        ("qrels/test.tsv", b"query-id\tcorpus-id\tscore\n", "holds no judgments"),
        ("corpus.jsonl", b'{"_id": "d", "text": ""}\n{"_id": "d", "text": ""}', "was already on"),
        ("corpus.jsonl", b'{"_id": "d", "text": "", "metadata": [1]}', "metadata is a list"),
        ("corpus.jsonl", b'{"_id": "d", "text": "", "title": 5}', "title is a int"),
        ("corpus.jsonl", b'{"_id": "d", "text": "", "metadata": {"a": NaN}}', "line 1: document"),
    ],
)
def test_a_malformed_line_is_named(folder, name, content, told):
    (folder / name).write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        list(Dataset.read(folder).documents())
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_layout_of_longembed_is_read(tmp_path):
    own = {"context_length": 256}
    (tmp_path / "corpus.jsonl").write_text(lines([{"doc_id": "d1", "text": "a", **own}]))
    (tmp_path / "queries.jsonl").write_text(lines([{"qid": "q1", "text": "a?", **own}]))
    (tmp_path / "qrels.jsonl").write_text(lines([{"qid": "q1", "doc_id": "d1", **own}]))
    dataset = Dataset.read(tmp_path)
    assert [(q.id, dict(q.grades)) for q in dataset.queries] == [("q1", {"d1": 1})]
    assert [(d.id, dict(d.metadata)) for d in dataset.documents()] == [("d1", own)]


def test_judgments_may_be_json_lines(folder):
    (folder / "qrels" / "test.tsv").unlink()
    judged = [
        {"query-id": "q1", "corpus-id": "d1", "score": 2.0},
        {"qid": "q2", "doc_id": "d 2", "score": 0},
    ]
    (folder / "qrels" / "test.jsonl").write_text(lines(judged))
    grades = [dict(query.grades) for query in Dataset.read(folder).queries]
    assert grades == [{"d1": 2}, {"d 2": 0}]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"qid": "q1"}, "line 1: doc_id is None"),
        ({"doc_id": "d1"}, "line 1: qid is None"),
        ({"qid": "q1", "doc_id": "d1", "score": 0.5}, "line 1: the score is 0.5"),
        ({"qid": "q1", "doc_id": "d1", "score": "high"}, "line 1: the score is 'high'"),
        ({"qid": "q1", "doc_id": "d1", "score": float("nan")}, "line 1: the score is nan"),
    ],
)
def test_judgments_that_cannot_be_read(folder, row, said):
    (folder / "qrels" / "test.tsv").unlink()
    (folder / "qrels.jsonl").write_text(lines([row]))
    with pytest.raises(DatasetError, match=said):
        Dataset.read(folder)
