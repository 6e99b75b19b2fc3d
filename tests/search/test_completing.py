"""What one branch found is scored by the others: the depth of a branch cuts nothing at the top."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipelines import CountingEncoder, documents
from search.parts import Given

from retrievo import Pipeline
from retrievo.search.account import Account
from retrievo.search.completing import completed
from retrievo.search.turn import Turn
from retrievo.types import Candidates, Query

A = {0: 0.9, 1: 0.8, 2: 0.7, 3: 0.1}
B = {0: 0.0, 1: 0.1, 2: 0.9, 3: 1.0}


def branch(scores, depth, **given):
    rows = sorted(scores, key=lambda row: -scores[row])
    return Given(rows, [scores[row] for row in rows], depth=depth, known=scores, **given)


def pipeline(depth, **parts):
    made = Pipeline(
        encoder=CountingEncoder(),
        retrievers={"a": branch(A, depth), "b": branch(B, depth)},
        **parts,
    )
    made.index(documents())
    return made


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_shallow_search_scores_what_it_found_as_a_deep_one_does(depth):
    deep = {hit.doc_id: hit.score for hit in pipeline(4).search("x", top_k=4)}
    shallow = pipeline(depth).search("x", top_k=1)
    assert shallow[0].score == pytest.approx(deep[shallow[0].doc_id], abs=1e-6)


def test_the_trace_tells_what_was_scored_afterwards():
    made = pipeline(1)
    hits = {hit.doc_id: hit for hit in made.search("x", top_k=1)}
    [hit] = hits.values()
    branches = hit.trace["branches"]
    assert sorted(b["rank"] is None for b in branches.values()) == [False, True]
    assert all(b["score"] is not None for b in branches.values())
    assert sum(b["contribution"] for b in branches.values()) == pytest.approx(hit.score, abs=1e-6)
    assert "scored afterwards" in str(hit.explain())


def test_without_completion_a_missing_row_counts_with_its_floor():
    fusion = Pipeline.part("fusion", "convex", complete=False)
    [hit] = pipeline(1, fusion=fusion).search("x", top_k=1)
    assert sorted(b["score"] is None for b in hit.trace["branches"].values()) == [False, True]


rows = st.lists(st.integers(0, 30), unique=True, min_size=0, max_size=12)


@given(rows, rows, st.booleans())
def test_every_row_is_there_once_found_ones_first(mine, theirs, exhaustive):
    scores = {row: float(row) / 31 for row in range(31)}
    found = {
        "a": Candidates(np.array(mine, np.int64), np.ones(len(mine), np.float32), 1.0, exhaustive),
        "b": Candidates(np.array(theirs, np.int64), np.ones(len(theirs), np.float32), 1.0),
    }
    parts = {"a": Given([], [], known=scores), "b": Given([], [])}
    whole = completed(found, parts, [Query("x")], Turn(), Account(warnings=[[]]), 0)
    assert whole["b"] is found["b"]  # it cannot score
    if exhaustive:
        assert whole["a"] is found["a"]  # what it lacks has no score with it
        return
    assert whole["a"].rows[: len(mine)].tolist() == mine
    assert sorted(whole["a"].rows.tolist()) == sorted({*mine, *theirs})
    late = whole["a"].rows[len(mine) :]
    assert whole["a"].scores[len(mine) :].tolist() == pytest.approx((late / 31).tolist())


def test_forms_of_a_query_count_with_their_weights():
    class Two(Given):
        def score(self, queries, rows):
            return [np.full(len(rows), float(q.text), np.float32) for q in queries]

    found = {
        "a": Candidates(np.empty(0, np.int64), np.empty(0, np.float32), 1.0),
        "b": Candidates(np.array([5]), np.ones(1, np.float32), 1.0),
    }
    forms = [Query("0.5"), Query("0.8", weight=0.5)]
    parts = {"a": Two([], []), "b": Given([], [])}
    whole = completed(found, parts, forms, Turn(), Account(warnings=[[]]), 0)
    assert whole["a"].scores.tolist() == [0.5]


@pytest.mark.parametrize("bad", [[np.nan], [[1.0, 2.0]], None])
def test_scores_that_are_none_leave_the_floor_and_are_told(bad):
    class Bad(Given):
        def score(self, queries, rows):
            return bad

    made = Pipeline(
        encoder=CountingEncoder(), retrievers={"a": Bad([0], [1.0]), "b": Given([1], [1.0])}
    )
    made.index(documents())
    hits = made.search("x")
    assert len(hits) == 2 and "scoring by a failed" in hits.warnings[0]


def test_real_branches_agree_with_a_deep_search(make):
    shallow, deep = (
        {
            "dense": lambda p, d=d: Pipeline.part(
                "retriever", "dense", encoder=p["encoder"], store=p["store"], depth=d
            ),
            "bm25": lambda p, d=d: Pipeline.part("retriever", "bm25", store=p["store"], depth=d),
        }
        for d in (1, 50)
    )
    store = Pipeline.part("store", "memory")
    encoder = CountingEncoder()
    made = []
    for kinds in (shallow, deep):
        parts = {"encoder": encoder, "store": store}
        retrievers = {name: kind(parts) for name, kind in kinds.items()}
        made.append(Pipeline(**parts, retrievers=retrievers))
    made[0].index(documents())
    for query in ("rotate an API key", "the moon and bread", "tokens"):
        scores = {hit.chunk.id: hit.score for hit in made[1].search(query, top_k=50)}
        for hit in made[0].search(query, top_k=1):
            assert hit.score == pytest.approx(scores[hit.chunk.id], abs=1e-6)
