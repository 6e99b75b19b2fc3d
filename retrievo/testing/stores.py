"""What every store must do: subclass `StoreContract`, give it a `store` fixture, run pytest.

class TestMyStore(StoreContract):
@pytest.fixture
def store(self, tmp_path):
return MyStore(tmp_path / "index")

def reopened(self, store):      # for stores with the capability "persistent"
store.close()
return MyStore(store.path)
"""

from typing import Any

import numpy as np
import pytest

from retrievo.contracts import Batch, Store
from retrievo.errors import IndexMissingError, StoreError
from retrievo.filters import Filter, as_filter, matches
from retrievo.testing.refusal import RefusesOverrides
from retrievo.testing.store_samples import (
    DIM,
    FILTERS,
    PASSPORT,
    batch_of,
    documents,
    one_query,
)
from retrievo.types import Chunk, Document, SparseRows


class StoreContract(RefusesOverrides):
    """The tests; `reopened` must be given where the store is persistent."""

    def reopened(self, store: Any) -> Any:
        raise NotImplementedError("a persistent store's tests say how to open it again")

    @pytest.fixture
    def opened(self, store: Any) -> Any:
        store.open(PASSPORT, {"tables": {}})
        yield store
        store.close()

    def test_nothing_is_there_before_it_is_made(self, store: Store) -> None:
        with pytest.raises(IndexMissingError):
            store.open(None)

    def test_an_empty_store_answers_with_nothing(self, opened: Store) -> None:
        assert opened.count() == 0
        assert opened.document_count() == 0
        assert opened.fingerprints() == {}
        assert len(opened.search("dense", np.ones((1, DIM), np.float32), 5)[0]) == 0
        assert len(opened.search("lexical", one_query([1], [1.0]), 5)[0]) == 0
        assert opened.statistics("lexical").n == 0
        assert list(opened.scan()) == []

    def test_what_is_written_comes_back(self, opened: Store) -> None:
        docs = documents(5)
        batch = batch_of(docs, chunks_each=3)
        opened.write(batch)
        chunks = [chunk for _, part in batch.items for chunk in part]
        rows = opened.rows([chunk.id for chunk in chunks])
        assert (rows >= 0).all() and len(set(rows.tolist())) == len(chunks)
        assert opened.get(rows) == chunks
        assert opened.get(rows[::-1]) == chunks[::-1]
        assert opened.document_count() == 5 and opened.count() == len(chunks)
        assert opened.fingerprints() == {doc.id: "1" for doc in docs}
        assert opened.fingerprints(["d1", "nobody"]) == {"d1": "1"}
        of_d1 = opened.document_rows(["d1", "nobody"])
        assert [c.start for c in opened.get(of_d1[0])] == sorted(c.start for c in batch.items[1][1])
        assert len(of_d1[1]) == 0
        numbers = dict(zip((c.doc_id for c in chunks), opened.document_numbers(rows), strict=True))
        assert len(set(numbers.values())) == 5
        assert [numbers[c.doc_id] for c in chunks] == opened.document_numbers(rows).tolist()
        assert np.allclose(
            np.asarray(opened.vectors("dense", rows)),
            np.asarray(batch.representations["dense"]),
            atol=1e-6,
        )
        assert opened.rows(["nobody"]).tolist() == [-1]
        with pytest.raises(StoreError):
            opened.get(np.array([10**9]))

    def test_dense_search_is_the_inner_product_best_first(self, opened: Store) -> None:
        batch = batch_of(documents(40))
        opened.write(batch)
        vectors = np.asarray(batch.representations["dense"])
        queries = np.random.default_rng(1).normal(size=(3, DIM)).astype(np.float32)
        rows = opened.rows([chunk.id for _, part in batch.items for chunk in part])
        for query, found in zip(queries, opened.search("dense", queries, 7), strict=True):
            exact = vectors @ query
            best = np.argsort(-exact)[:7]
            assert found.rows.tolist() == rows[best].tolist()
            assert np.allclose(found.scores, exact[best], atol=1e-5)
            assert found.rows.dtype == np.int64 and found.scores.dtype == np.float32

    def test_a_dense_search_gives_all_there_are_up_to_depth(self, opened: Store) -> None:
        opened.write(batch_of(documents(6)))
        query = np.ones((1, DIM), np.float32)
        assert len(opened.search("dense", query, 100)[0]) == 6
        assert len(opened.search("dense", query, 4)[0]) == 4
        assert len(opened.search("dense", query, 0)[0]) == 0

    def test_sparse_search_gives_rows_that_share_an_index(self, opened: Store) -> None:
        batch = batch_of(documents(30))
        opened.write(batch)
        rows = opened.rows([chunk.id for _, part in batch.items for chunk in part])
        sparse = batch.representations["lexical"]
        assert isinstance(sparse, SparseRows)
        exact = {}
        for i, row in enumerate(rows.tolist()):
            at = dict(zip(*(part.tolist() for part in sparse[i]), strict=True))
            if 3 in at or 7 in at:
                exact[row] = 2.0 * at.get(3, 0.0) + 0.5 * at.get(7, 0.0)
        found = opened.search("lexical", one_query([3, 7], [2.0, 0.5]), 100)[0]
        assert set(found.rows.tolist()) == set(exact)
        assert np.allclose(found.scores, [exact[row] for row in found.rows.tolist()], atol=1e-5)
        assert (np.diff(found.scores) <= 0).all() and found.exhaustive
        assert len(opened.search("lexical", one_query([], []), 5)[0]) == 0

    def test_scores_of_given_rows_equal_those_of_the_search(self, opened: Store) -> None:
        batch = batch_of(documents(20))
        opened.write(batch)
        query = np.random.default_rng(3).normal(size=(1, DIM)).astype(np.float32)
        found = opened.search("dense", query, 20)[0]
        assert np.allclose(opened.score("dense", query, found.rows)[0], found.scores, atol=1e-5)
        assert opened.frequencies("lexical", np.array([3, 999], np.uint32))[1] == 0

    @pytest.mark.parametrize("wanted", FILTERS, ids=str)
    def test_filters_mean_what_the_evaluator_says(self, opened: Store, wanted: Filter) -> None:
        if "filter" not in opened.capabilities:
            pytest.skip("the store declares no filters")
        docs = documents(36)
        opened.write(batch_of(docs))
        right = {doc.id for doc in docs if matches(wanted, doc.metadata, doc.id)}
        found = opened.search("dense", np.ones((1, DIM), np.float32), 100, wanted)[0]
        assert {chunk.doc_id for chunk in opened.get(found.rows)} == right
        assert opened.count(wanted) == len(right)
        query = one_query(range(20), [1.0] * 20)
        lexical = opened.search("lexical", query, 100, wanted)[0]
        assert {chunk.doc_id for chunk in opened.get(lexical.rows)} == right
        few = opened.search("dense", np.ones((1, DIM), np.float32), 3, wanted)[0]
        assert len(few) == min(3, len(right))

    def test_writing_a_document_again_replaces_it(self, opened: Store) -> None:
        opened.write(batch_of(documents(6), chunks_each=3))
        new = Document("d2", "quite another text", {"year": 1999})
        opened.write(batch_of([new], seed=9, fingerprint="2"))
        assert opened.document_count() == 6
        assert opened.fingerprints(["d2"]) == {"d2": "2"}
        rows = opened.document_rows(["d2"])[0]
        assert [chunk.text for chunk in opened.get(rows)] == ["quite another text"]
        everything = opened.search("dense", np.ones((1, DIM), np.float32), 100)[0]
        texts = [c.text for c in opened.get(everything.rows) if c.doc_id == "d2"]
        assert texts == ["quite another text"]
        assert len(everything) == opened.count() == opened.statistics("lexical").n
        assert opened.count(as_filter({"year": 1999})) == 1

    def test_reused_rows_keep_their_vectors(self, opened: Store) -> None:
        batch = batch_of(documents(3), chunks_each=2)
        opened.write(batch)
        rows = opened.document_rows(["d1"])[0]
        before = np.asarray(opened.vectors("dense", rows))
        document, chunks = batch.items[1]
        moved = Document("d1", f"new {document.text}", document.metadata)
        cut = [
            Chunk("d1", "new ", 0, 4),
            *(Chunk("d1", c.text, c.start + 4, c.end + 4) for c in chunks),
        ]
        fresh = batch_of([Document("x", "new ")], seed=5)
        opened.write(
            Batch([(moved, cut)], ["2"], fresh.representations, np.array([-1, *rows.tolist()]))
        )
        after = opened.document_rows(["d1"])[0]
        assert [c.text for c in opened.get(after)] == ["new ", *(c.text for c in chunks)]
        assert np.array_equal(np.asarray(opened.vectors("dense", after[1:])), before)
        assert opened.count() == 7 == opened.statistics("lexical").n
        assert not set(rows.tolist()) & set(after.tolist()), "row numbers are never used twice"

    def test_deleted_documents_are_gone_everywhere(self, opened: Store) -> None:
        opened.write(batch_of(documents(8), chunks_each=2))
        assert opened.delete(["d3", "nobody"]) == 1
        assert opened.delete(["d3"]) == 0
        found = opened.search("dense", np.ones((1, DIM), np.float32), 100)[0]
        assert {c.doc_id for c in opened.get(found.rows)} == {f"d{i}" for i in range(8) if i != 3}
        lexical = opened.search("lexical", one_query(range(20), [1.0] * 20), 100)[0]
        assert len(lexical) == opened.count() == 14 == opened.statistics("lexical").n
        df = opened.frequencies("lexical", np.arange(20, dtype=np.uint32))
        rows = opened.vectors("lexical", np.concatenate(list(opened.scan())))
        assert isinstance(rows, SparseRows)
        assert df.sum() == len(rows.indices)

    def test_one_representation_can_be_replaced(self, opened: Store) -> None:
        opened.write(batch_of(documents(4)))
        rows = np.concatenate(list(opened.scan()))[:2]
        new = SparseRows(
            np.array([0, 1, 2]), np.array([3, 3], np.uint32), np.array([7, 8], np.float32)
        )
        opened.replace("lexical", rows, new, 2.5)
        found = opened.search("lexical", one_query([3], [1.0]), 2)[0]
        assert found.scores.tolist() == [8.0, 7.0]
        assert opened.statistics("lexical").fitted_mean == 2.5

    def test_ids_and_texts_of_any_kind(self, opened: Store) -> None:
        names = ["a'b\"c", "x" * 5000, "\u2603/\U0001f600", " ", "line\nbreak", "NULL", "0"]
        docs = [Document(name, f"text \x00 of {name[:20]} \ud800") for name in names]
        opened.write(batch_of(docs))
        assert sorted(opened.fingerprints()) == sorted(names)
        for name in names:
            chunk = opened.get(opened.document_rows([name])[0])[0]
            assert (chunk.doc_id, chunk.text) == (name, f"text \x00 of {name[:20]} \ud800")
        assert opened.delete(names) == len(names)

    def test_passport_and_configuration_are_kept(self, opened: Store) -> None:
        assert opened.passport() == PASSPORT
        assert opened.config() == {"tables": {}}
        opened.stamp(PASSPORT, {"tables": {"encoder": {"use": "x"}}})
        assert opened.config() == {"tables": {"encoder": {"use": "x"}}}

    def test_a_closed_store_says_so(self, opened: Store) -> None:
        opened.write(batch_of(documents(2)))
        opened.close()
        opened.close()
        with pytest.raises(StoreError):
            opened.count()

    def test_it_is_all_there_after_reopening(self, opened: Any) -> None:
        if "persistent" not in opened.capabilities:
            pytest.skip("the store declares that it is gone with the process")
        batch = batch_of(documents(12), chunks_each=2)
        opened.write(batch)
        opened.delete(["d4"])
        query = np.ones((1, DIM), np.float32)
        before = opened.search("dense", query, 100)[0]
        again = self.reopened(opened)
        again.open(None)
        try:
            after = again.search("dense", query, 100)[0]
            assert after.rows.tolist() == before.rows.tolist()
            assert np.array_equal(after.scores, before.scores)
            assert again.get(after.rows[:3])
            assert again.passport() == PASSPORT
            assert again.statistics("lexical").n == again.count() == 22
            again.write(batch_of([Document("new", "more")], seed=3))
            assert not set(again.document_rows(["new"])[0].tolist()) & set(before.rows.tolist())
        finally:
            again.close()

    def test_settling_changes_no_answer(self, opened: Store) -> None:
        opened.write(batch_of(documents(30), chunks_each=2))
        opened.delete(["d1", "d2"])
        query = np.random.default_rng(4).normal(size=(1, DIM)).astype(np.float32)
        before = opened.search("dense", query, 10)[0]
        opened.settle()
        after = opened.search("dense", query, 10)[0]
        assert after.rows.tolist() == before.rows.tolist()
