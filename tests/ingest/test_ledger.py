"""What an encoder did not read is on the chunk, in the report, and in the index afterwards."""

import dataclasses
import re

import pytest
from indexing import small
from pipelines import CountingEncoder
from shortsighted import ShortSighted

from retrievo import Document, IngestError, Pipeline
from retrievo.ingest import changes, ledger
from retrievo.ingest.ledger import Ledger
from retrievo.retrieve.dense import DenseRetriever
from retrievo.store.memory.store import MemoryStore
from retrievo.truncation import record
from retrievo.types import Chunk

FIVE = "one two three four five"
NINE = f"{FIVE} six seven eight nine"


class Whole:
    """A document is one chunk; it says that it counts words, and may add a context."""

    context = ""

    def chunk(self, document):
        n = len(document.text.split())
        made = Chunk(document.id, document.text, 0, len(document.text), n, document.metadata)
        return [dataclasses.replace(made, context=self.context)]


class Paragraphs:
    """A chunk each paragraph; it counts no tokens."""

    def chunk(self, document):
        found = re.finditer(r"[^\n]+", document.text)
        return [Chunk(document.id, m[0], *m.span(), metadata=document.metadata) for m in found]


def chunks_of(pipeline):
    store = pipeline.store
    return {chunk.doc_id: chunk for rows in store.scan() for chunk in store.get(rows)}


def test_the_account_is_on_the_chunk_in_the_report_and_in_the_index(make):
    with make(encoder=ShortSighted(5), chunker=Whole()) as pipeline:
        report = pipeline.index([Document("long", NINE), Document("short", FIVE)])
        assert (report.tokens_encoded, report.tokens_lost, report.truncated_chunks) == (14, 4, 1)
        chunk = chunks_of(pipeline)["long"]
        assert report.truncated == [("long", chunk.id, 9, 5)]
        assert report.truncated_documents == [("long", 1, 9, 5)]
        assert chunks_of(pipeline)["short"].truncated is None
        hit = pipeline.search("nine")[0].chunk
        assert (hit.doc_id, hit.tokens_seen, hit.tokens_total) == ("long", 5, 9)
        assert "its vector holds 5 of its 9 tokens" in str(pipeline.search("nine")[0].explain())
        assert pipeline.store.stats().truncated == (1, 4)
        assert "14 tokens encoded, 4 of them beyond" in str(report)
        assert "(long lost 4 of 9 tokens)" in str(report)


def test_the_json_has_the_sums_and_the_worst_documents(make):
    with make(encoder=ShortSighted(5), chunker=Whole()) as pipeline:
        tokens = pipeline.index([Document("a", NINE), Document("b", FIVE)]).as_dict()["tokens"]
    assert tokens == {
        "encoded": 14,
        "lost": 4,
        "truncated_chunks": 1,
        "truncated_documents": [
            {"doc_id": "a", "chunks": 1, "tokens_total": 9, "tokens_seen": 5},
        ],
    }


def test_chunks_of_equal_text_have_equal_accounts(make):
    with make(encoder=ShortSighted(5), chunker=Whole()) as pipeline:
        report = pipeline.index([Document(name, NINE) for name in "abc"])
        assert (report.truncated_chunks, report.tokens_lost) == (3, 12)
        assert {chunk.truncated for chunk in chunks_of(pipeline).values()} == {(5, 9)}


def test_the_context_is_read_as_well(make):
    chunker = Whole()
    chunker.context = "about small numbers"
    with make(encoder=ShortSighted(5), chunker=chunker) as pipeline:
        assert pipeline.index([Document("a", FIVE)]).truncated[0][2:] == (8, 5)


def test_of_several_encoders_the_one_that_lost_most_counts():
    store = MemoryStore()
    readers = {
        name: DenseRetriever(ShortSighted(room), store, representation=name)
        for name, room in (("wide", 8), ("narrow", 3), ("all", 20))
    }
    pipeline = Pipeline(retrievers=readers, store=store, chunker=Whole())
    report = pipeline.index([Document("a", NINE), Document("b", FIVE)])
    assert {name: c.truncated for name, c in chunks_of(pipeline).items()} == {
        "a": (3, 9),
        "b": (3, 5),
    }
    assert (report.truncated_chunks, report.tokens_lost) == (2, 8)


def test_a_chunk_that_keeps_its_vector_keeps_its_account(make):
    with make(encoder=ShortSighted(5), chunker=Paragraphs()) as pipeline:
        first = Document("a", f"{NINE}\n{NINE.upper()} TEN ELEVEN")
        pipeline.index([first])
        before = {c.text: c.truncated for c in pipeline.store.get(next(pipeline.store.scan()))}
        assert len(before) == 2 and None not in before.values()
        report = pipeline.index([Document("a", first.text, {"new": True})])
        assert (report.updated, report.chunks_written, report.tokens_lost) == (1, 0, 0)
        assert pipeline.store.stats().truncated == (2, 4 + 6)
        report = pipeline.index([Document("a", f"{NINE}\nshort now")])
        assert (report.chunks_written, report.truncated_chunks) == (1, 0)
        now = {c.text: c.truncated for c in pipeline.store.get(next(pipeline.store.scan()))}
        assert now == {NINE: (5, 9), "short now": None}
        assert pipeline.store.stats().truncated == (1, 4)
        pipeline.delete("a")
        assert pipeline.store.stats().truncated == (0, 0)


def test_it_is_there_after_the_index_was_closed(tmp_path):
    with Pipeline.open(tmp_path / "i", **small(encoder=ShortSighted(5), chunker=Whole())) as made:
        made.index([Document("a", NINE)])
        made.store.snapshot(tmp_path / "s")
    for name in "is":
        wanted = small(encoder=ShortSighted(5), chunker=Whole())
        with Pipeline.open(tmp_path / name, **wanted) as again:
            assert chunks_of(again)["a"].truncated == (5, 9)
            assert again.store.stats().truncated == (1, 4)


def test_ids_and_fingerprints_are_those_of_an_encoder_that_reads_all(make):
    wide = Pipeline(encoder=CountingEncoder(), chunker=Whole())
    wide.index([Document("a", NINE)])
    with make(encoder=ShortSighted(5), chunker=Whole()) as pipeline:
        pipeline.index([Document("a", NINE)])
        assert chunks_of(pipeline)["a"].id == chunks_of(wide)["a"].id
        assert pipeline.store.fingerprints() == wide.store.fingerprints()
        assert pipeline.index([Document("a", NINE)]).kept == 1


def test_many_batches_are_told_in_one_line(make, monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 2)
    texts = [NINE, FIVE, f"{NINE} ten", ""] * 10
    with make(encoder=ShortSighted(5), chunker=Whole()) as pipeline:
        report = pipeline.index([Document(f"d{i:02}", text) for i, text in enumerate(texts)])
    # By hand: ten of 9 words, ten of 10; of each 5 are read.
    assert report.warnings == [
        "20 of 40 chunks are longer than an encoder reads: 90 of their 190 tokens are in no "
        "vector; d02 lost 5 of 10 tokens, d06 lost 5 of 10 tokens, d10 lost 5 of 10 tokens and 17 "
        "more; set a smaller chunk_size, or on_truncate of the encoder"
    ]


def test_other_messages_of_many_batches_are_one_line_as_well(monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 2)
    pipeline = Pipeline()
    report = pipeline.index([Document(f"d{i}", "" if i % 3 else "text") for i in range(9)])
    assert [text for text in report.warnings if "empty" in text] == [
        "6 of 9 texts are empty: their vectors are zero, no dense search finds them"
    ]


def test_a_plan_tells_nothing_of_it_and_index_does(make):
    with make(encoder=ShortSighted(5), chunker=Whole()) as pipeline:
        assert pipeline.plan([Document("a", NINE)]).warnings == ()


def test_an_encoder_that_refuses_long_texts_fails_their_documents_alone(make):
    documents = [Document(f"d{i}", NINE if i in (1, 4) else FIVE) for i in range(6)]
    encoder = ShortSighted(5, on_truncate="error")
    with make(encoder=encoder, chunker=Whole()) as pipeline:
        with pytest.raises(IngestError, match="2 of 6 documents") as caught:
            pipeline.index(documents)
        assert [(f.doc_id, f.reason) for f in caught.value.failures] == [
            (name, f"its chunk [0:{len(NINE)}]: 9 tokens, 5 fit") for name in ("d1", "d4")
        ]
        assert sorted(chunks_of(pipeline)) == ["d0", "d2", "d3", "d5"]
        assert caught.value.report.tokens_lost == 0


def test_a_document_with_several_refused_chunks_tells_how_many():
    pipeline = Pipeline(encoder=ShortSighted(5, on_truncate="error"), chunker=Paragraphs())
    text = f"{NINE}\n{FIVE}\n{NINE} ten\n{NINE} nine"
    report = pipeline.index([Document("a", text), Document("b", FIVE)], on_error="skip")
    assert [str(failure) for failure in report.failures] == [
        f"a: its chunk [0:{len(NINE)}]: 9 tokens, 5 fit (and 2 more of its chunks)"
    ]
    assert list(chunks_of(pipeline)) == ["b"]


class Silent(CountingEncoder):
    """Has a limit, and says nothing of what it does with longer texts."""

    max_tokens = 5


def test_an_encoder_that_does_not_record_is_suspected_and_nothing_is_counted(make):
    with make(encoder=Silent(), chunker=Whole()) as pipeline:
        report = pipeline.index([Document("a", NINE), Document("b", FIVE)])
    assert report.tokens_lost == 0
    (told,) = report.warnings
    assert told.startswith("1 of 2 chunks have more tokens, as the chunker counts them, than the 5")


class Prefixing(ShortSighted):
    """Records a text that it was not given."""

    def encode_document(self, texts):
        record("title: something", 30, 10)
        return super().encode_document(texts)


def test_a_record_that_belongs_to_no_chunk_is_told(make):
    with make(encoder=Prefixing(5), chunker=Whole()) as pipeline:
        report = pipeline.index([Document("a", NINE)])
    assert report.tokens_lost == 4
    assert any(text.startswith("20 of 30 tokens of texts that are no") for text in report.warnings)


def test_half_a_character_does_not_part_a_chunk_from_its_account(make):
    class Cleaning(ShortSighted):
        def encode_document(self, texts):
            return super().encode_document([text.replace("\ud83d", "\ufffd") for text in texts])

    with make(encoder=Cleaning(5), chunker=Whole()) as pipeline:
        report = pipeline.index([Document("a", f"{NINE} \ud83d")])
    assert report.truncated[0][2:] == (9, 5)


def test_the_ledger_names_the_worst_and_sums_all():
    account = Ledger()
    n = 3 * ledger.KEPT
    for i in range(n):
        document = Document(f"d{i}", "x")
        chunks = [Chunk(f"d{i}", "x", 0, 1, truncated=(10, 10 + k)) for k in (1 + i % 7, 5)]
        account.add([(document, [*chunks, Chunk(f"d{i}", "x", 0, 1)])])
        assert max(len(account._chunks), len(account._documents)) <= 2 * ledger.KEPT + 1
    lost = [1 + i % 7 for i in range(n)]
    assert (account.chunks, account.documents) == (2 * n, n)
    assert account.tokens_lost == sum(lost) + 5 * n
    assert account.tokens_total - account.tokens_lost == 20 * n
    found = [one.tokens_lost for one in account.worst_chunks]
    assert found == sorted([*lost, *[5] * n], reverse=True)[: ledger.KEPT]
    sums = [one.tokens_lost for one in account.worst_documents]
    assert sums == sorted((5 + k for k in lost), reverse=True)[: ledger.KEPT]
    assert account.worst().startswith("d6 lost 12 of 32 tokens, d13 lost 12")
    assert account.worst().endswith(f" and {n - 3:,} more")


def test_nothing_that_is_cut_is_nothing_to_tell():
    account = Ledger()
    account.add([(Document("a", "x"), [Chunk("a", "x", 0, 1)])])
    assert account.told(1) == [] and account.worst_chunks == [] and account.tokens_lost == 0
