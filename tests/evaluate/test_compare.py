import itertools
import json

import numpy as np
import pytest

from retrievo.errors import DatasetError
from retrievo.evaluate.compare import compare, compare_results, read_results


def test_p_is_that_of_all_assignments():
    gains = np.array([0.3, 0.2, -0.1, 0.4, 0.1, 0.25, -0.05, 0.3])
    exact = np.mean(
        [
            abs(np.dot(signs, gains)) >= abs(gains.sum()) - 1e-12
            for signs in itertools.product([1, -1], repeat=len(gains))
        ]
    )
    found = compare(np.full(8, 0.5), 0.5 + gains)
    assert found.p == pytest.approx(exact, abs=0.01)
    assert found.difference == pytest.approx(gains.mean())
    assert (found.better, found.worse) == (6, 2)
    assert found.low < found.difference < found.high


def test_equal_runs_are_alike():
    found = compare([0.1, 0.9, 0.4], [0.1, 0.9, 0.4])
    assert found.p == 1 and found.difference == found.low == found.high == 0


def test_a_difference_everywhere_is_no_chance():
    draw = np.random.default_rng(1)
    before = draw.random(200) * 0.5
    found = compare(before, before + 0.1)
    assert found.p < 0.001 and found.low == pytest.approx(0.1)
    noise = compare(before, draw.permutation(before))
    assert noise.p > 0.05 and noise.low < 0 < noise.high


def test_the_same_seed_gives_the_same():
    runs = np.random.default_rng(3).random((2, 50))
    assert compare(*runs) == compare(*runs) != compare(*runs, seed=1)


@pytest.mark.parametrize("runs", [([], []), ([1.0], [1.0, 2.0])])
def test_runs_that_are_not_paired(runs):
    with pytest.raises(ValueError, match="for each query is wanted"):
        compare(*runs)


def results(tmp_path, name, values):
    path = tmp_path / name
    lines = [{"query_id": query, "metrics": {"ndcg@10": value}} for query, value in values.items()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_files_are_joined_by_query(tmp_path):
    before = read_results(results(tmp_path, "a", {"q1": 0.5, "q2": 0.0, "gone": 1.0}))
    after = read_results(results(tmp_path, "b", {"q2": 1.0, "q1": 0.5, "new": 1.0}))
    (found,) = compare_results(before, after)
    assert (found.metric, found.queries, found.before, found.after) == ("ndcg@10", 2, 0.25, 0.75)
    assert "1 of 2 queries better, 0 worse" in str(found)
    with pytest.raises(DatasetError, match="no metric in common for all queries"):
        compare_results(before, {"q1": {"mrr@10": 1.0}})


@pytest.mark.parametrize("line", ["no json", '{"query_id": "q"}', "[]", '{"metrics": {"a": "x"}}'])
def test_a_file_that_holds_something_else(tmp_path, line):
    path = tmp_path / "other.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DatasetError, match=r"other.jsonl, line 1: not the results"):
        read_results(path)
    path.write_text("")
    with pytest.raises(DatasetError, match="holds no results"):
        read_results(path)


def test_what_is_no_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no finite number"):
        compare([0.1, float("nan")], [0.1, 0.2])
    path = tmp_path / "nan.jsonl"
    path.write_text('{"query_id": "q", "metrics": {"a": NaN}}\n')
    with pytest.raises(DatasetError, match=r"line 1: .*no finite number"):
        read_results(path)
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(DatasetError, match="line 1"):
        read_results(path)


def test_metrics_that_some_query_lacks_are_left_out():
    before = {"1": {"a": 0.5, "b": 1.0}, "2": {"a": 0.5}}
    after = {"1": {"a": 0.5, "b": 1.0}, "2": {"a": 1.0, "b": 1.0}}
    assert [one.metric for one in compare_results(before, after)] == ["a"]
    with pytest.raises(DatasetError, match="no query in common"):
        compare_results(before, {"3": {"a": 1.0}})
