import json
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_counters import Words

from retrievo import Chunk, Pipeline
from retrievo.chunk.recursive import RecursiveChunker
from retrievo.errors import ConfigError, DatasetError
from retrievo.evaluate.spans import (
    SpanScores,
    evaluate_spans,
    merged,
    precision_omega,
    read_spans,
    span_report,
    span_scores,
)


class Place(NamedTuple):
    doc_id: str
    start: int
    end: int


def scores(retrieved, true):
    return span_scores([Place(*place) for place in retrieved], true)


def test_a_chunk_that_is_the_span_is_perfect():
    assert scores([("d", 10, 20)], {"d": [(10, 20)]}) == (1, 1, 1)


def test_half_of_the_span_in_a_chunk_that_is_half_wrong():
    # 10 true characters, 5 found, in 10 read: 5 / 10, 5 / 10, 5 / 15.
    assert scores([("d", 15, 25)], {"d": [(10, 20)]}) == (0.5, 0.5, 5 / 15)


def test_what_two_chunks_hold_is_found_once_and_read_twice():
    # 0-10 and 5-15 read: 20 characters of which 4-12, 8 of them, are true, each found.
    assert scores([("d", 0, 10), ("d", 5, 15)], {"d": [(4, 12)]}) == (1, 8 / 20, 8 / 20)


def test_several_spans_and_documents():
    true = {"a": [(0, 4), (10, 14)], "b": [(0, 2)]}
    # Of 10 true characters 4 + 1 are found; 20 + 1 are read, 5 of the true are in none.
    assert scores([("a", 2, 12), ("c", 0, 10), ("b", 1, 2)], true) == (0.5, 5 / 21, 5 / 26)


def test_nothing_retrieved_and_nothing_true():
    assert scores([], {"d": [(0, 4)]}) == (0, 0, 0)
    assert scores([("d", 0, 4)], {}) == (0, 0, 0)
    assert scores([("d", 3, 3)], {}) == (0, 0, 0)


def test_a_chunk_that_only_touches_a_span_holds_none_of_it():
    assert scores([("d", 4, 8), ("d", 12, 16)], {"d": [(8, 12)]}) == (0, 0, 0)


def test_chunks_of_the_package_are_spans():
    chunk = Chunk("d", "abcd", 2, 6)
    assert span_scores([chunk], {"d": [(2, 4)]}) == (1, 0.5, 0.5)


def test_precision_omega_reads_every_chunk_that_holds_some_of_it():
    chunks = [Place("d", 0, 10), Place("d", 10, 20), Place("d", 20, 30), Place("e", 0, 10)]
    # 4 true characters in the first two chunks, which have 20.
    assert precision_omega(chunks, {"d": [(8, 12)]}) == 4 / 20
    assert precision_omega(chunks, {"f": [(8, 12)]}) == 0


INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)
PLACES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(0, 12)), max_size=6
)


@given(intervals=INTERVALS)
def test_merged_holds_the_same_characters(intervals):
    found = merged(intervals)
    assert {at for start, end in found for at in range(start, end)} == {
        at for start, end in intervals for at in range(start, end)
    }
    assert all(start < end for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))


@given(retrieved=PLACES, a=INTERVALS, b=INTERVALS)
def test_scores_are_those_of_sets_of_characters(retrieved, a, b):
    places = [Place(doc_id, start, start + length) for doc_id, start, length in retrieved]
    true = {"a": merged(a), "b": merged(b)}
    wanted = {("a", at) for s, e in a for at in range(s, e)}
    wanted |= {("b", at) for s, e in b for at in range(s, e)}
    read = [(place.doc_id, at) for place in places for at in range(place.start, place.end)]
    found = wanted & set(read)
    union = len(read) + len(wanted - found)
    assert span_scores(places, true) == (
        len(found) / len(wanted) if wanted else 0,
        len(found) / len(read) if read else 0,
        len(found) / union if union else 0,
    )
    holding = [p for p in places if any((p.doc_id, at) in wanted for at in range(p.start, p.end))]
    assert precision_omega(places, true) == span_scores(holding, true).precision


def test_a_report_holds_means_and_plain_values():
    report = span_report("mine", 5, {"q": SpanScores(1, 0.5, 0.5), "r": SpanScores(0, 0, 0)})
    assert (report.recall, report.precision, report.iou, report.queries) == (0.5, 0.25, 0.25, 2)
    told = json.loads(json.dumps(report.as_dict()))
    assert told["per_query"]["q"] == {"recall": 1, "precision": 0.5, "iou": 0.5}
    assert span_report("none", 5, {}).recall == 0


TEXTS = {"one": "Zebras are striped. Lions are not.", "two": "Quaggas were. Dodos were too."}
SPANS = [
    {"query-id": "q", "corpus-id": "one", "start": 0, "end": 19, "text": "Zebras are striped."},
    {"query-id": "q", "corpus-id": "one", "start": 7, "end": 25},
    {"query-id": "p", "corpus-id": "two", "start": 0, "end": 13, "text": "Quaggas were."},
]


@pytest.fixture
def folder(tmp_path):
    def write(name, items):
        lines = [item if isinstance(item, str) else json.dumps(item) for item in items]
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    write("corpus.jsonl", [{"_id": name, "text": text} for name, text in TEXTS.items()])
    questions = {"p": "Which were quaggas?", "q": "Which zebras?", "r": "Which?"}
    write("queries.jsonl", [{"_id": name, "text": text} for name, text in questions.items()])
    (tmp_path / "qrels").mkdir()
    write("qrels/test.tsv", ["q\tone\t1", "p\ttwo\t1", "r\ttwo\t1"])
    write("spans.jsonl", SPANS)
    return tmp_path


@pytest.fixture
def write_spans(folder):
    def write(items):
        lines = [item if isinstance(item, str) else json.dumps(item) for item in items]
        (folder / "spans.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return write


def test_spans_are_read_in_the_order_of_the_queries_and_merged(folder):
    first, second = read_spans(folder)
    assert (first.id, first.text, first.spans) == ("p", "Which were quaggas?", {"two": [(0, 13)]})
    assert (second.id, second.spans) == ("q", {"one": [(0, 25)]})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ({**SPANS[0], "query-id": 3}, "query-id is 3, a non-empty string"),
        ({**SPANS[0], "corpus-id": ""}, "corpus-id is '', a non-empty string"),
        ({**SPANS[0], "start": "0"}, "start is '0', a whole number"),
        ({**SPANS[0], "end": True}, "end is True, a whole number"),
        ({**SPANS[0], "end": 0}, "no span goes from 0 to 0"),
        ({**SPANS[0], "start": -1}, "no span goes from -1 to 19"),
        ({**SPANS[0], "text": 3}, "text is 3, a string"),
        ({**SPANS[0], "query-id": "x"}, "query 'x' is not in queries.jsonl"),
        ({**SPANS[0], "corpus-id": "x"}, "'x' is not in corpus.jsonl"),
        ({**SPANS[1], "end": 99}, "ends at 99, document 'one' at 34"),
        ({**SPANS[0], "start": 1}, "has 'ebras are striped.' at 1, not 'Zebras are striped.'"),
    ],
)
def test_a_wrong_line_is_told_with_its_number(folder, write_spans, line, said):
    write_spans([SPANS[2], line])
    with pytest.raises(DatasetError, match=r"spans\.jsonl, line 2: .*" + said):
        read_spans(folder)


def test_a_folder_without_spans_is_told(folder, write_spans):
    write_spans([""])
    with pytest.raises(DatasetError, match="holds no spans"):
        read_spans(folder)
    (folder / "spans.jsonl").unlink()
    with pytest.raises(DatasetError, match=r"spans\.jsonl is not there"):
        read_spans(folder)


def test_a_pipeline_is_measured_by_its_chunks(folder):
    # A chunk for each sentence: the first of "one" has 19 of the 25 true characters.
    chunker = RecursiveChunker(chunk_size=4, chunk_overlap=0, tokenizer=Words())
    report = evaluate_spans(Pipeline(chunker=chunker), folder, top_k=1)
    assert report.queries == 2 and report.top_k == 1
    assert report.per_query["p"] == (1, 1, 1)
    assert report.per_query["q"] == (19 / 25, 1, 19 / 25)
    assert report.recall == pytest.approx((1 + 19 / 25) / 2)
    assert report.iou == report.recall and report.precision == 1


def test_a_top_k_that_is_none_is_refused(folder):
    with pytest.raises(ConfigError, match="top_k is 0"):
        evaluate_spans(Pipeline(), folder, top_k=0)
