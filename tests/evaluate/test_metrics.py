import math
import random

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrievo.errors import ConfigError
from retrievo.evaluate.metrics import parse_metric, parse_metrics

OURS_TO_THEIRS = {
    "ndcg@10": "nDCG@10",
    "ndcg@3": "nDCG@3",
    "recall@100": "R@100",
    "recall@2": "R@2",
    "mrr@10": "RR@10",
    "p@5": "P@5",
    "map@10": "AP@10",
    "map@3": "AP@3",
}


def value(name, ranked, grades):
    return parse_metric(name)(ranked, grades)


def test_ndcg_of_a_case_written_out_by_hand():
    # Gains found 1, 0, 2 at ranks 1 to 3; the best order is 2, 1.
    found = 1 / 1 + 2 / math.log2(4)
    ideal = 2 / 1 + 1 / math.log2(3)
    assert value("ndcg@3", ["b", "x", "a"], {"a": 2, "b": 1}) == pytest.approx(found / ideal)


def test_the_other_measures_by_hand():
    ranked, grades = ["x", "a", "y", "b"], {"a": 1, "b": 3, "c": 1, "x": 0, "y": -1}
    assert value("recall@2", ranked, grades) == pytest.approx(1 / 3)
    assert value("recall@4", ranked, grades) == pytest.approx(2 / 3)
    assert value("mrr@10", ranked, grades) == pytest.approx(1 / 2)
    assert value("mrr@1", ranked, grades) == 0.0
    assert value("p@4", ranked, grades) == pytest.approx(2 / 4)
    assert value("p@10", ranked, grades) == pytest.approx(2 / 10)
    assert value("map@10", ranked, grades) == pytest.approx((1 / 2 + 2 / 4) / 3)


@pytest.mark.parametrize("name", OURS_TO_THEIRS)
def test_a_query_without_a_relevant_document_scores_nothing(name):
    assert value(name, ["a", "b"], {"a": 0}) == 0.0
    assert value(name, [], {"a": 1}) == 0.0


def test_equal_to_ir_measures_on_random_runs():
    rng = random.Random(7)
    documents = [f"d{i}" for i in range(150)]
    qrels, runs = {}, {}
    for i in range(60):
        judged = rng.sample(documents, rng.randint(1, 40))
        qrels[f"q{i}"] = {doc_id: rng.choice([-1, 0, 0, 1, 1, 2, 3]) for doc_id in judged}
        if i % 10:  # some queries find nothing at all
            runs[f"q{i}"] = rng.sample(documents, rng.randint(1, 120))
    # Scores strictly fall with our rank, so that their tie rule does not come into it.
    scored = {
        query: {doc_id: float(-rank) for rank, doc_id in enumerate(ranked)}
        for query, ranked in runs.items()
    }
    theirs = ir_measures.calc_aggregate(
        [ir_measures.parse_measure(name) for name in OURS_TO_THEIRS.values()], qrels, scored
    )
    for ours, name in OURS_TO_THEIRS.items():
        mean = sum(value(ours, runs.get(query, []), qrels[query]) for query in qrels) / len(qrels)
        assert mean == pytest.approx(theirs[ir_measures.parse_measure(name)], abs=1e-6), ours


@given(
    ranked=st.permutations([f"d{i}" for i in range(8)]),
    grades=st.dictionaries(st.sampled_from([f"d{i}" for i in range(12)]), st.integers(-2, 4)),
    k=st.integers(1, 12),
    measure=st.sampled_from(["ndcg", "recall", "mrr", "p", "map"]),
)
def test_every_measure_lies_in_0_1(ranked, grades, k, measure):
    result = value(f"{measure}@{k}", ranked, grades)
    assert 0.0 <= result <= 1.0 + 1e-12


@given(st.permutations(range(6)), st.integers(1, 6))
def test_no_order_beats_the_order_of_the_grades(order, k):
    grades = {f"d{i}": i for i in range(6)}
    best = sorted(grades, key=lambda doc_id: -grades[doc_id])
    assert value(f"ndcg@{k}", best, grades) == pytest.approx(1.0)
    shuffled = [f"d{i}" for i in order]
    assert value(f"ndcg@{k}", shuffled, grades) <= 1.0 + 1e-12


def test_names_are_read_in_any_case_and_kept_as_asked():
    metrics = parse_metrics([" nDCG@10 ", "R@5", "nDCG@10"])
    assert [(m.name, m.measure, m.k) for m in metrics] == [
        ("nDCG@10", "ndcg", 10),
        ("R@5", "recall", 5),
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ndgc@10", "did you mean 'ndcg@10'"),
        ("accuracy@3", "Known: ndcg@k, recall@k"),
        ("ndcg", "has no cut-off; write ndcg@10"),
        ("recall@0", "a whole number from 1"),
        ("recall@x", "cut off at 'x'"),
        ("", "no metric named ''"),
    ],
)
def test_a_wrong_name_is_told_with_what_is_known(name, told):
    with pytest.raises(ConfigError, match="metric") as caught:
        parse_metric(name)
    assert told in str(caught.value)


def test_no_metrics_at_all_are_refused():
    with pytest.raises(ConfigError, match="no metric was asked for"):
        parse_metrics([])
