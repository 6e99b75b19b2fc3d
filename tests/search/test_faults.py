"""Steps that fail: the search answers from what is left and says so, or raises where strict."""

import threading

import numpy as np
import pytest
from pipelines import CountingEncoder, documents
from search.parts import Given, Raising, Ranking, Waiting

from retrievo import (
    ConfigError,
    EncoderError,
    FilterError,
    Pipeline,
    SearchError,
    SearchTimeoutError,
    StoreError,
)
from retrievo.types import Candidates, Query

GOOD = ([2, 0], [0.9, 0.4])


def pipeline(**parts):
    made = Pipeline(encoder=CountingEncoder(), **parts)
    made.index(documents())
    return made


def _of(rows, scores):
    return Candidates(np.array(rows, np.int64), np.array(scores, np.float32))


class Wrong(Given):
    """Gives what is no list of candidates."""

    def __init__(self, answer):
        super().__init__([], [])
        self.answer = answer

    def search(self, queries, depth, filters=None):
        return self.answer


class Unprepared(Given):
    def prepare(self, queries, filters=None):
        raise EncoderError("the model is gone")


BAD_BRANCHES = {
    "raises": (Raising(ConnectionError("refused")), "ConnectionError: refused"),
    "raises its own error": (Raising(EncoderError("no vectors")), "EncoderError: no vectors"),
    "times out itself": (Raising(TimeoutError("read")), "TimeoutError: read"),
    "cannot prepare": (Unprepared(*GOOD), "the model is gone"),
    "all NaN": (Given([1, 3], [np.nan, np.nan]), "no score that is a number"),
    "no candidates": (Wrong([None]), "no list of Candidates"),
    "too few": (Wrong([]), "no list of Candidates"),
    "shapes": (Wrong([_of([1, 2], [0.5])]), "rows of shape"),
    "lists": (Wrong([Candidates([1], [0.5])]), "no arrays"),
}


@pytest.mark.parametrize("fault", BAD_BRANCHES)
@pytest.mark.parametrize("timeout_s", [None, 20])
def test_a_branch_that_fails_is_told_and_the_other_answers(fault, timeout_s):
    bad, said = BAD_BRANCHES[fault]
    made = pipeline(retrievers={"bad": bad, "good": Given(*GOOD)})
    alone = pipeline(retrievers={"good": Given(*GOOD)})
    hits = made.search("x", timeout_s=timeout_s)
    assert [hit.doc_id for hit in hits] == [hit.doc_id for hit in alone.search("x")]
    [warning] = hits.warnings
    assert warning.startswith("bad failed, and good answered alone") and said in warning
    assert hits[0].trace["branches"]["bad"]["rank"] is None
    with pytest.raises(Exception, match=said.partition(": ")[2] or said):
        made.search("x", strict=True, timeout_s=timeout_s)


def test_a_part_of_the_scores_that_is_no_number_is_left_out_and_told():
    bad = Given([1, 3, 0], [0.9, np.inf, 0.3])
    made = pipeline(retrievers={"bad": bad})
    hits = made.search("x")
    assert [hit.score for hit in hits] == pytest.approx([0.9, 0.3])
    assert "1 of 3 scores that are no numbers" in hits.warnings[0]


def test_a_branch_that_finds_nothing_does_not_change_the_order():
    made = pipeline(retrievers={"empty": Given([], []), "good": Given(*GOOD)})
    hits = made.search("x")
    assert [hit.chunk.id for hit in hits] == [
        hit.chunk.id for hit in pipeline(retrievers={"good": Given(*GOOD)}).search("x")
    ]
    assert not hits.warnings


def test_where_every_branch_fails_the_first_error_is_raised():
    made = pipeline(
        retrievers={"a": Raising(ConnectionError("first")), "b": Raising(ValueError("second"))}
    )
    with pytest.raises(ConnectionError, match="first"):
        made.search("x")


@pytest.mark.parametrize("error", [ConfigError("mend it"), FilterError("no such thing")])
def test_what_the_caller_has_to_mend_is_raised(error):
    made = pipeline(retrievers={"bad": Raising(error), "good": Given(*GOOD)})
    for options in ({}, {"timeout_s": 20}):
        with pytest.raises(type(error), match=str(error)):
            made.search("x", **options)


@pytest.fixture
def event():
    made = threading.Event()
    yield made
    made.set()


def test_a_branch_that_hangs_is_dropped_when_the_time_is_up(event):
    made = pipeline(retrievers={"late": Waiting(event), "good": Given(*GOOD)})
    hits = made.search("x", timeout_s=0.2)
    assert len(hits) == 2
    assert "late has not answered in time, within the search's timeout_s = 0.2" in hits.warnings[0]
    with pytest.raises(SearchTimeoutError, match="late has not answered"):
        made.search("x", timeout_s=0.2, strict=True)


def test_where_nothing_has_come_in_in_time_that_is_an_error(event):
    made = pipeline(retrievers={"late": Waiting(event)})
    with pytest.raises(TimeoutError, match="late has not answered"):
        made.search("x", timeout_s=0.1)


def test_a_writer_that_waits_does_not_keep_the_branches_waiting(tmp_path, event):
    """Branches run in threads inside a read; a writer in between must not close them out."""
    started = threading.Event()

    class Slow(Given):
        def search(self, queries, depth, filters=None):
            started.set()
            event.wait(0.3)  # by now the writer is waiting
            rows = np.concatenate(list(made.store.scan()))  # takes the store's lock in this thread
            return [Candidates(rows, np.ones(len(rows), np.float32)) for _ in queries]

    store = Pipeline.part("store", "local", path=tmp_path / "index")
    bm25 = Pipeline.part("retriever", "bm25", store=store)
    retrievers = {"slow": Slow([], []), "bm25": bm25}
    made = Pipeline(store=store, encoder=CountingEncoder(), retrievers=retrievers)
    made.index(documents())
    writer = threading.Thread(
        target=lambda: (started.wait(10), store.delete(["moon"])), daemon=True
    )
    writer.start()
    hits = made.search("x", timeout_s=20)
    writer.join(10)
    assert not writer.is_alive()
    assert len(hits) == 4
    made.close()


NO_ORDER = {
    "raises": Ranking(ConnectionError("down")),
    "times out itself": Ranking(TimeoutError("slow")),
    "no candidates": Ranking([1, 2]),
    "twice": Ranking(_of([0, 0], [1, 2])),
    "outside": Ranking(_of([7], [1])),
    "negative": Ranking(_of([-1], [1])),
    "NaN": Ranking(_of([0], [np.nan])),
    "no positions": Ranking(Candidates(np.array([0.5]), np.array([1.0], np.float32))),
    "shapes": Ranking(_of([0, 1], [1])),
}


@pytest.mark.parametrize("fault", NO_ORDER)
def test_a_reranker_that_fails_leaves_the_order_of_the_fusion(fault):
    made = pipeline(retrievers={"good": Given(*GOOD)}, reranker=NO_ORDER[fault])
    hits = made.search("x")
    assert [hit.score for hit in hits] == pytest.approx([0.9, 0.4])
    assert [hit.trace["rerank"] for hit in hits] == [None, None]
    assert "the reranker failed, hits are in the order of the fusion" in hits.warnings[0]
    with pytest.raises((SearchError, ConnectionError, TimeoutError)):
        made.search("x", strict=True)


def test_a_reranker_that_is_late(event):
    slow = Ranking(lambda chunks: event.wait(30))
    made = pipeline(retrievers={"good": Given(*GOOD)}, reranker=slow)
    hits = made.search("x", timeout_s=0.2)
    assert len(hits) == 2 and "timeout_s = 0.2" in hits.warnings[0]


def test_candidates_that_a_reranker_has_not_read_follow_and_are_told():
    made = pipeline(
        retrievers={"good": Given([0, 1, 2, 3], [0.9, 0.8, 0.7, 0.6])},
        reranker=Ranking(_of([1, 0], [5, 4])),
    )
    hits = made.search("x")
    assert [hit.score for hit in hits] == pytest.approx([5, 4, 0.7, 0.6])
    assert [hit.trace["fused"]["rank"] for hit in hits] == [2, 1, 3, 4]
    assert [hit.trace["rerank"] is None for hit in hits] == [False, False, True, True]
    assert "read 2 of 4 candidates" in hits.warnings[0]


class Expanding:
    def __init__(self, answer):
        self.answer = answer

    def expand(self, query):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        ConnectionError("the server is down"),
        SearchError("the endpoint answered 500"),
        [],
        None,
        ["text"],
        [Query("x", weight=-1)],
        [Query("x", weight=float("nan"))],
    ],
)
def test_an_expander_that_fails_leaves_the_plain_query(answer):
    made = pipeline(expander=Expanding(answer))
    plain = pipeline().search("the moon")
    hits = made.search("the moon")
    assert [(hit.doc_id, hit.score) for hit in hits] == [(hit.doc_id, hit.score) for hit in plain]
    assert "the expander failed, the query is searched for as it is" in hits.warnings[0]
    with pytest.raises((SearchError, ConnectionError)):
        made.search("the moon", strict=True)


def test_one_query_of_a_batch_that_cannot_be_expanded_does_not_spoil_the_others():
    class Picky:
        def expand(self, query):
            if "moon" in query:
                raise ConnectionError("no")
            return [Query(query), Query("bread")]

    made = pipeline(expander=Picky())
    moon, keys = made.search_batch(["moon", "keys"])
    assert moon.warnings and not keys.warnings


def test_a_folder_wants_something_to_store(tmp_path):
    made = Pipeline.open(tmp_path / "index", retrievers={"given": Given(*GOOD)})
    with pytest.raises(StoreError, match="add a retriever that stores something"):
        made.index(documents())
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(
    "rows", [[10**9, 1], [-1, 1], [1, 10**9, 0]], ids=["far", "negative", "among good ones"]
)
def test_rows_that_are_not_in_the_store_put_their_branch_out(rows):
    bad = Given(rows, [0.9, 0.5, 0.1][: len(rows)])
    made = pipeline()
    parts = {**made._assembly.part("retrievers"), "bad": bad}
    both = Pipeline(store=made.store, encoder=CountingEncoder(), retrievers=parts)
    weights = {"bad": 8, "dense": 1, "bm25": 1}
    hits = both.search("moon", top_k=4, weights=weights)
    assert len(hits) == 4 and hits[0].doc_id == "moon"
    [warning] = hits.warnings
    assert warning.startswith("bad failed, and dense, bm25 answered alone")
    with pytest.raises(SearchError, match="the retriever bad gave rows that are not there"):
        both.search("moon", top_k=4, weights=weights, strict=True)


@pytest.mark.parametrize(
    ("rows", "scores"),
    [
        (np.array([0]), np.array(["a"])),
        (np.array([0.0, 1.0]), np.array([0.5, 0.4], np.float32)),
        (np.array([1, 1]), np.array([0.5, 0.4], np.float32)),
    ],
)
def test_candidates_of_another_type_put_their_branch_out(rows, scores):
    made = pipeline(retrievers={"bad": Wrong([Candidates(rows, scores)]), "good": Given(*GOOD)})
    hits = made.search("x")
    assert len(hits) == 2 and hits.warnings[0].startswith("bad failed, and good answered alone")


def test_scores_in_double_precision_are_taken():
    found = Candidates(np.array([1, 0], np.int32), np.array([0.9, 0.5]))
    made = pipeline(retrievers={"wide": Wrong([found])})
    assert [hit.score for hit in made.search("x")] == pytest.approx([0.9, 0.5])


def test_a_fusion_that_accounts_for_nothing_is_told_in_words():
    class Bare:
        def fuse(self, branches, top_k):
            return _of([0], [1.0])

    made = pipeline(retrievers={"a": Given(*GOOD), "b": Given(*GOOD)}, fusion=Bare())
    with pytest.raises(SearchError, match="the fusion Bare gave no Candidates with a BranchScores"):
        made.search("x")


def test_the_first_pass_of_an_expander_is_weighed_as_its_search():
    class Asking:
        def expand(self, query):
            return [Query(query)]

        def expand_found(self, query, first_pass):
            seen.append(first_pass(query, 2).rows.tolist())
            return [query]

    seen = []
    made = pipeline(
        retrievers={"a": Given([0, 1], [0.9, 0.1]), "b": Given([1, 0], [0.9, 0.1])},
        expander=Asking(),
    )
    for weights in ({"a": 1}, {"b": 1}):
        made.search("x", weights=weights)
    assert seen == [[0, 1], [1, 0]]


def test_a_made_up_row_beside_a_store_that_fails_ends_in_an_error():
    bad = Given([10**9, 1], [0.9, 0.1])
    made = pipeline(retrievers={"broken": Raising(StoreError("torn")), "bad": bad})
    with pytest.raises(StoreError, match="torn"):
        made.search("x")
