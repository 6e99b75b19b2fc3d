import numpy as np
import pytest
from aligned import NoisyEncoder, many
from indexing import small
from pipelines import CountingEncoder

from retrievo import F, Pipeline
from retrievo.errors import ConfigError
from retrievo.retrieve.dense import DenseRetriever
from retrievo.retrieve.rescue import margin_of


class Teacher(CountingEncoder):
    """Counts the queries that it is asked."""

    def __init__(self):
        super().__init__()
        self.queries = []

    def encode_query(self, texts):
        self.queries += texts
        return super().encode_query(texts)


def student(noise=0.3):
    made = NoisyEncoder(noise, "student")
    made.aligned_to = "counting-1"
    return made


def rescued(depth=40, **more):
    """A memory pipeline whose dense branch alone answers, and its teacher."""
    teacher, query_encoder = Teacher(), student()
    store = Pipeline.part("store", "memory")
    dense = DenseRetriever(
        teacher, store, query_encoder=query_encoder, depth=depth, rescore="teacher", **more
    )
    parts = small(encoder=teacher, query_encoder=query_encoder, store=store)
    pipeline = Pipeline(**parts, retrievers={"dense": dense})
    pipeline.index(many())
    return pipeline, teacher


def plain(query_encoder=None):
    pipeline = Pipeline(
        **small(query_encoder=query_encoder, store=Pipeline.part("store", "memory"))
    )
    pipeline.index(many())
    return pipeline


def dense_order(pipeline, query):
    found = pipeline._assembly.part("retrievers")["dense"].search([_query(query)], 10)[0]
    return [chunk.doc_id for chunk in pipeline.store.get(found.rows)]


def _query(text):
    from retrievo.types import Query

    return Query(text)


QUERY = "copper violin and the winter garden"


def test_the_teacher_decides_the_order():
    pipeline, teacher = rescued(depth=80)
    hits = pipeline.search(QUERY, top_k=10)
    assert [hit.doc_id for hit in hits] == dense_order(plain(), QUERY)
    assert [hit.doc_id for hit in hits] != dense_order(plain(student()), QUERY)
    assert teacher.queries == [QUERY]
    branch = hits[0].trace["branches"]["dense"]
    assert branch["scored_by"] == "teacher" and "by teacher" in str(hits[0].explain())
    exact = float(
        CountingEncoder().encode_query([QUERY])[0]
        @ CountingEncoder().encode_document([hits[0].chunk.indexed_text])[0]
    )
    assert hits[0].score == pytest.approx(exact, abs=1e-6)


def test_what_the_student_does_not_find_is_not_there():
    pipeline, _ = rescued(depth=10)
    found = {hit.doc_id for hit in pipeline.search(QUERY, top_k=10)}
    assert found == set(dense_order(plain(student()), QUERY))


def test_explain_tells_the_students_rank_where_that_decides():
    pipeline, _ = rescued(depth=10)
    wanted = dense_order(plain(), QUERY)
    lost = next(name for name in wanted if name not in dense_order(plain(student()), QUERY))
    told = pipeline.explain(QUERY, lost)
    assert told.status == "beyond depth"
    assert told.branches["dense"]["rank"] <= 10 < told.branches["dense"]["first_stage_rank"]
    assert "first stage" in str(told)


@pytest.mark.parametrize(("margin", "asked"), [(0.0, 0), (10.0, 1)])
def test_only_where_the_student_is_unsure(margin, asked):
    pipeline, teacher = rescued(rescore_when="unsure", rescore_margin=margin)
    hits = pipeline.search(QUERY, top_k=5)
    assert len(teacher.queries) == asked
    by = "teacher" if asked else "student"
    assert {hit.trace["branches"]["dense"]["scored_by"] for hit in hits} == {by}


def test_a_batch_asks_for_the_unsure_ones_together():
    pipeline, teacher = rescued(rescore_when="unsure", rescore_margin=0.0)
    queries = [QUERY, "moon bread", "letter bridge parrot"]
    gaps = [margin_of(np.array([h.score for h in pipeline.search(q, top_k=10)])) for q in queries]
    between = sorted(gaps)[1]
    pipeline, teacher = rescued(rescore_when="unsure", rescore_margin=between)
    found = pipeline.search_batch(queries, top_k=10)
    assert teacher.queries == [queries[int(np.argmin(gaps))]]
    ways = [hits[0].trace["branches"]["dense"]["scored_by"] for hits in found]
    assert ways.count("teacher") == 1 and ways[int(np.argmin(gaps))] == "teacher"


def test_filters_and_tenants_hold(make):
    for tenant in (None, "one"):
        teacher, query_encoder = Teacher(), student()
        store = Pipeline.part("store", "memory")
        options = {"rescore": "teacher", "rescore_when": "unsure", "rescore_margin": 9.0}
        dense = DenseRetriever(teacher, store, query_encoder=query_encoder, **options)
        parts = small(encoder=teacher, query_encoder=query_encoder, store=store)
        pipeline = Pipeline(**parts, retrievers={"dense": dense})
        items = [{**item, "metadata": {"even": at % 2 == 0}} for at, item in enumerate(many())]
        pipeline.index(items, tenant=tenant)
        hits = pipeline.search(QUERY, top_k=7, filters=F("even") == True, tenant=tenant)  # noqa: E712
        assert len(hits) == 7 and all(hit.metadata["even"] for hit in hits)
        assert teacher.queries == [QUERY]


def test_fused_with_bm25_scores_add_up():
    teacher, query_encoder = Teacher(), student()
    store = Pipeline.part("store", "memory")
    dense = DenseRetriever(teacher, store, query_encoder=query_encoder, rescore="teacher")
    bm25 = Pipeline.part("retriever", "bm25", store=store)
    parts = small(encoder=teacher, query_encoder=query_encoder, store=store)
    pipeline = Pipeline(**parts, retrievers={"dense": dense, "bm25": bm25})
    pipeline.index(many())
    for hit in pipeline.search(QUERY, top_k=10):
        branches = hit.trace["branches"]
        total = sum(branch["contribution"] for branch in branches.values())
        assert hit.score == pytest.approx(total, abs=1e-6)
        assert "scored_by" not in branches["bm25"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rescore": "teacher", "query_encoder": None}, "there is none"),
        ({"rescore": None, "rescore_margin": 0.1}, "go with rescore"),
        ({"rescore": "teacher", "rescore_margin": 0.1}, "'unsure'"),
        ({"rescore": "teacher", "rescore_when": "unsure"}, "wants a rescore_margin"),
        (
            {"rescore": "teacher", "rescore_when": "unsure", "rescore_margin": float("nan")},
            "from 0 up",
        ),
    ],
)
def test_settings_that_mean_nothing_are_refused(options, said):
    store = Pipeline.part("store", "memory")
    given = {"query_encoder": student(), **options}
    with pytest.raises(ConfigError, match=said):
        DenseRetriever(Teacher(), store, **given)


def test_the_margin_by_hand():
    assert margin_of(np.array([0.9, 0.8, 0.7], np.float32)) == pytest.approx(0.2)
    twelve = np.linspace(1.0, 0.0, 12, dtype=np.float32)
    assert margin_of(twelve) == pytest.approx(1.0 - float(twelve[9]))
