from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from indexing import small
from pipelines import documents

from retrievo import Document, Pipeline
from retrievo.chunk.checking import checked_chunks
from retrievo.ingest import changes
from retrievo.migrate.stored_documents import StoredDocuments, tenants_of


def nothing(ids):
    return {}


def filled(items, tenant=None):
    pipeline = Pipeline(**small(store=Pipeline.part("store", "memory")))
    pipeline.index(items, tenant=tenant)
    return pipeline


def test_documents_come_with_their_own_chunks_and_fingerprints():
    pipeline = filled(documents())
    stored = StoredDocuments(pipeline.store, None, have=nothing)
    found = list(stored)
    assert [one.id for one in found] == [one.id for one in documents()]
    known = pipeline.store.fingerprints()
    for one in found:
        rows = pipeline.store.document_rows([one.id])[0]
        chunks = stored.chunk(one)
        assert chunks == pipeline.store.get(rows)
        assert checked_chunks(one, chunks) == chunks
        assert stored.fingerprint(one) == known[one.id]


@given(text=st.text(max_size=300))
def test_any_text_is_in_its_place(text):
    pipeline = filled([Document("one", text)])
    stored = StoredDocuments(pipeline.store, None, have=nothing)
    [found] = list(stored)
    chunks = stored.chunk(found)
    assert checked_chunks(found, chunks) == chunks
    assert "".join(found.text.split()) == "".join(text.split())


def test_what_has_moved_does_not_come_and_what_is_wanted_comes_first():
    pipeline = filled(documents())
    known = pipeline.store.fingerprints()
    moved = {"vault": known["vault"], "moon": "another state of it"}
    have = lambda ids: {name: moved[name] for name in ids if name in moved}  # noqa: E731
    wanted = deque(["bread", "no such document", "bread"])
    found = [one.id for one in StoredDocuments(pipeline.store, None, have=have, wanted=wanted)]
    assert found == ["bread", "keys", "moon"]


def test_it_ends_where_it_is_stopped_at_the_end_of_a_batch(monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 3)
    pipeline = filled(documents())
    seen = []
    stopped = lambda: len(seen) >= 1  # noqa: E731
    for one in StoredDocuments(pipeline.store, None, have=nothing, stopped=stopped):
        seen.append(one.id)
    sizes = [len(rows) for rows in pipeline.store.document_rows(seen)]
    assert sum(sizes) >= 3 > sum(sizes[:-1]) and len(seen) < 4
    assert list(StoredDocuments(pipeline.store, None, have=nothing, stopped=lambda: True)) == []


def test_an_edited_document_comes_as_it_is_now():
    pipeline = filled(documents())
    pipeline.index(documents(keys="How to rotate an API key. Now it is another text altogether."))
    stored = StoredDocuments(pipeline.store, None, have=nothing)
    found = {one.id: one.text for one in stored}
    assert "another text" in found["keys"] and len(found) == 4


def test_one_tenant_at_a_time():
    pipeline = filled(documents(), tenant="a")
    pipeline.index(documents()[:2], tenant="b")
    assert tenants_of(pipeline.store) == ["a", "b"]
    found = [one.id for one in StoredDocuments(pipeline.store, "b", have=nothing)]
    assert found == ["keys", "vault"]
    assert tenants_of(filled(documents()).store) == [None]
