"""Tenants keep apart: each sees its own documents, and who names none sees nothing."""

import numpy as np
import pytest
from indexing import everything
from pipelines import CountingEncoder, documents

from retrievo import Document, F, Pipeline, TenantError
from retrievo.contracts import Space
from retrievo.errors import FilterError, StoreError
from retrievo.filters import Scoped
from retrievo.types import Candidates, Query


@pytest.fixture
def two(make):
    with make() as pipeline:
        pipeline.index([Document("plan", "Acme builds a rocket.", {"year": 1})], tenant="acme")
        pipeline.index(
            [Document("plan", "Bolt builds a bridge.", {"year": 1}), Document("b", "More bolts.")],
            tenant="bolt",
        )
        yield pipeline


def test_the_same_id_is_another_document_for_another_tenant(two):
    assert [hit.text for hit in two.search("builds", tenant="acme")] == ["Acme builds a rocket."]
    assert {hit.doc_id for hit in two.search("builds", tenant="bolt")} == {"plan", "b"}
    assert two.store.document_count() == 3
    assert two.store.fingerprints(None, "acme").keys() == {"plan"}


def test_a_filter_stays_within_the_scope_whatever_it_says(two):
    for wanted in (F("year") == 1, ~(F("year") == 7), F("doc_id").is_in(["plan", "b"])):
        for hit in two.search("builds", tenant="acme", filters=wanted):
            assert hit.text == "Acme builds a rocket."
    assert len(two.search("builds", tenant="nobody")) == 0
    with pytest.raises(FilterError, match="a scope is no filter"):
        two.search("builds", tenant="acme", filters=Scoped("bolt"))
    with pytest.raises(FilterError):
        two.search("builds", tenant="acme", filters=~Scoped("acme"))


def test_without_a_tenant_everything_is_refused(two):
    for work in (
        lambda: two.search("builds"),
        lambda: two.search("builds", filters=F("year") == 1),
        lambda: two.explain("builds", "plan"),
        lambda: two.delete("plan"),
        lambda: two.index([Document("x", "y")]),
        lambda: two.plan([Document("x", "y")]),
        lambda: two.store.fingerprints(),
        lambda: two.store.rows(["x"]),
        lambda: two.store.count(F("year") == 1),
    ):
        with pytest.raises(TenantError, match="give tenant="):
            work()
    assert two.store.document_count() == 3


def test_an_index_without_tenants_refuses_one(make):
    with make() as pipeline:
        pipeline.index(documents())
        for work in (
            lambda: pipeline.search("keys", tenant="acme"),
            lambda: pipeline.index(documents(), tenant="acme"),
            lambda: pipeline.delete("keys", tenant="acme"),
        ):
            with pytest.raises(TenantError, match="without tenants"):
                work()
        for wrong in ("", 3, "x" * 1001, "\ud800"):
            with pytest.raises(TenantError):
                pipeline.search("keys", tenant=wrong)


def test_what_one_tenant_changes_the_others_keep(two):
    before = [hit.chunk.id for hit in two.search("builds", tenant="bolt")]
    two.index([Document("plan", "Acme stopped.")], tenant="acme")
    assert [hit.chunk.id for hit in two.search("builds", tenant="bolt")] == before
    assert two.index([], tenant="acme", delete_missing=True).deleted == 0
    report = two.index([Document("other", "Acme again.")], tenant="acme", delete_missing=True)
    assert (report.added, report.deleted) == (1, 1)
    assert [hit.chunk.id for hit in two.search("builds", tenant="bolt")] == before
    assert two.delete("plan", tenant="bolt") == 1
    assert two.delete("plan", tenant="bolt") == 0
    assert {hit.doc_id for hit in two.search("builds", tenant="bolt")} == {"b"}


def test_an_index_that_was_emptied_may_start_again_without_tenants(two):
    two.delete("plan", tenant="acme")
    two.delete(["plan", "b"], tenant="bolt")
    assert two.store.tenanted() is None
    two.index(documents())
    assert two.store.tenanted() is False and two.search("keys")


def test_equal_texts_of_two_tenants_are_two_chunks(make):
    with make() as pipeline:
        same = [Document("same", "One text, twice.")]
        pipeline.index(same, tenant="a")
        assert pipeline.index(same, tenant="b").added == 1
        assert pipeline.index(same, tenant="b").kept == 1
        assert pipeline.store.count() == 2 and len(everything(pipeline)) == 1
        (ours,) = pipeline.search("text", tenant="a")
        assert pipeline.store.tenants(pipeline.store.rows([ours.chunk.id], "b")) == ["b"]


def test_explain_stays_within_the_scope(two):
    found = two.explain("rocket", "plan", tenant="acme")
    assert found.status == "found" and found.hit.text == "Acme builds a rocket."
    assert two.explain("rocket", "b", tenant="acme").status == "not indexed"


def test_a_retriever_that_loses_the_scope_gives_nothing_away(make):
    class Leaking:
        depth = 10

        @property
        def representations(self):
            return {"any": Space("dense", 1)}

        def represent(self, items):
            return {"any": np.ones((sum(len(chunks) for _, chunks in items), 1), np.float32)}

        def search(self, queries: list[Query], depth, filters=None):
            rows = next(iter(pipeline.store.scan()))
            return [Candidates(rows, rows.astype("float32")) for _ in queries]

    with make(retrievers={"leaking": Leaking()}, encoder=CountingEncoder()) as pipeline:
        pipeline.index([Document("a", "secret")], tenant="a")
        pipeline.index([Document("b", "public")], tenant="b")
        with pytest.raises(StoreError, match="outside the tenant's scope"):
            pipeline.search("secret", tenant="b")


def test_a_store_that_knows_no_tenants_is_not_asked_for_one():
    store = Pipeline.part("store", use="memory")
    store.capabilities = frozenset({"dense", "sparse"})
    pipeline = Pipeline(store=store, encoder=CountingEncoder())
    with pytest.raises(TenantError, match="cannot keep tenants apart"):
        pipeline.index(documents(), tenant="acme")


def test_a_report_counts_the_tenants_chunks_alone(two):
    report = two.index([Document("new", "Acme again.")], tenant="acme")
    assert (report.chunks_written, report.chunks_kept, report.chunks_deleted) == (1, 1, 0)
