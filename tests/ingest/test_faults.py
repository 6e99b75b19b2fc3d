"""Documents, chunkers, encoders and files that go wrong: they cost themselves and nothing else."""

from functools import reduce

import numpy as np
import pytest
from indexing import everything, small
from pipelines import TEXTS, FailingEncoder, documents

from retrievo import (
    Document,
    DocumentError,
    IngestError,
    Pipeline,
)
from retrievo.ingest import changes
from retrievo.types import Chunk


def test_an_id_that_comes_twice(make):
    with make() as pipeline:
        same = Document("a", "one text")
        report = pipeline.index([same, same, Document("b", "other")])
        assert report.added == 2 and any("came twice" in line for line in report.warnings)
        with pytest.raises(IngestError, match="c: the id comes twice") as caught:
            pipeline.index([Document("c", "first"), Document("c", "second")])
        assert caught.value.report.added == 1
        assert pipeline.search("first", top_k=1)[0].text == "first"


def test_bad_documents_are_told_and_the_others_are_in(make):
    with make() as pipeline:
        given = [Document("a", "good"), {"title": "no text"}, {"id": "n", "text": 3}, 7]
        report = pipeline.index(given, on_error="skip")
        assert (report.added, report.failed) == (1, 3)
        assert "no 'text'" in str(report.failures[0])
        with pytest.raises(IngestError, match="3 of 4 documents could not be indexed"):
            pipeline.index(given)
        assert pipeline.store.document_count() == 1


class Chunking:
    """A chunker that does what it is told."""

    def __init__(self, work):
        self.chunk = work


WRONG_CHUNKS = {
    "not that slice": lambda d: [Chunk(d.id, d.text.upper(), 0, len(d.text))],
    "slice of the document": lambda d: [Chunk(d.id, d.text[-5:-1], -5, -1)],
    "is not that slice": lambda d: [Chunk(d.id, d.text, 0, 10**6)],
    "ints are wanted": lambda d: [Chunk(d.id, d.text[:3], np.int64(0), np.int64(3))],
    "of document 'other'": lambda d: [Chunk("other", d.text, 0, len(d.text))],
    "starts later": lambda d: [Chunk(d.id, d.text[3:], 3, len(d.text)), Chunk(d.id, "lo", 0, 2)],
    "two chunks with one id": lambda d: [Chunk(d.id, "lo", 0, 2), Chunk(d.id, "lo", 0, 2)],
    "gave no chunk": lambda d: [],
    "gave a dict": lambda d: [{"text": d.text}],
    "ZeroDivisionError": lambda d: 1 / 0,
    "raised TypeError": lambda d: None,
    "metadata 'x' is nan": lambda d: [
        Chunk(d.id, d.text, 0, len(d.text), metadata={"x": float("nan")})
    ],
}


@pytest.mark.parametrize("told", WRONG_CHUNKS)
def test_a_chunker_that_goes_wrong_costs_its_document_only(make, told):
    good = Pipeline.part("chunker", use="recursive", chunk_size=12, chunk_overlap=0)

    def work(document):
        return WRONG_CHUNKS[told](document) if document.id == "bad" else good.chunk(document)

    with make(chunker=Chunking(work)) as pipeline:
        report = pipeline.index(
            [Document("bad", "lower"), Document("good", "fine")], on_error="skip"
        )
        assert (report.added, report.failed) == (1, 1)
        assert told in str(report.failures[0]) and str(report.failures[0]).startswith("bad: ")


def test_metadata_of_a_chunk_is_its_own_and_plain(make):
    def work(document):
        metadata = {"flag": True, "tags": ("a",), "n": np.int64(3)}
        return [Chunk(document.id, document.text, 0, len(document.text), metadata=metadata)]

    with make(chunker=Chunking(work)) as pipeline:
        pipeline.index([Document("a", "text", {"flag": 1})])
        found = pipeline.search("text")[0].metadata
        assert found == {"flag": True, "tags": ["a"], "n": 3} and found["flag"] is True


HOSTILE_METADATA = {
    "600 digits": {"n": 10**5000},
    "100 levels": {"deep": reduce(lambda a, _: [a], range(5000), 1)},
    "complex": {"z": 1j},
    "is inf": {"f": float("inf")},
    "not a str": {1: "x"},
}


@pytest.mark.parametrize("told", HOSTILE_METADATA)
def test_a_document_with_impossible_metadata_costs_only_itself(make, told):
    with make() as pipeline:
        given = [{"id": "bad", "text": "x", "metadata": HOSTILE_METADATA[told]}, Document("a", "b")]
        report = pipeline.index(given, on_error="skip")
        assert (report.added, report.failed) == (1, 1)
        assert told in str(report.failures[0])


def test_weights_are_redone_even_if_the_run_before_was_stopped(make):
    def stop(progress):
        raise KeyboardInterrupt

    short = [Document(f"s{i}", "one key here") for i in range(20)]
    long = [Document(f"l{i}", "many more words " * 12) for i in range(20)]
    whole = Pipeline.part("chunker", use="recursive", chunk_size=999, chunk_overlap=0)
    with make(chunker=whole) as pipeline:
        pipeline.index(short)
        with pytest.raises(KeyboardInterrupt):
            pipeline.index(long, progress=stop)
        assert pipeline.index([*short, *long]).chunks_written == 0
        now = pipeline.store.statistics("bm25")
        assert now.fitted_mean == pytest.approx(now.mean_length)


def test_an_encoder_that_fails_leaves_what_was_there(make, monkeypatch):
    monkeypatch.setattr(changes, "CHUNKS_A_BATCH", 4)
    with make() as pipeline:
        pipeline.index(documents())
        before = everything(pipeline)
    if "index" not in repr(pipeline.config.source) and pipeline._assembly.index is None:
        return  # the memory store is gone with its pipeline
    failing = FailingEncoder(after=1)
    with make(encoder=failing) as pipeline:
        longer = {name: f"{text} Something more was added." for name, text in TEXTS.items()}
        with pytest.raises(ConnectionError):
            pipeline.index(documents(**longer))
        now = everything(pipeline)
        docs = {chunk.doc_id for chunk, _ in now.values()}
        assert docs == set(TEXTS), "every document is there, old or new"
        kept = [name for name, (chunk, _) in now.items() if name in before]
        assert kept, "the batch that failed is as it was"
        failing.left = 1000
        pipeline.index(documents(**longer))
        resumed = everything(pipeline)
    fresh = Pipeline(**small())
    fresh.index(documents(**longer))
    assert everything(fresh) == resumed


def test_a_file_does_not_take_the_place_of_another_that_is_still_there(make, tmp_path):
    for folder, text in (("one", "apples"), ("two", "pears")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "readme.md").write_text(text)
    with make() as pipeline:
        pipeline.index(tmp_path / "one")
        with pytest.raises(IngestError, match=r"one/readme\.md, which is still there"):
            pipeline.index(tmp_path / "two")
        assert pipeline.search("apples")[0].text == "apples"
        (tmp_path / "one" / "readme.md").unlink()
        assert pipeline.index(tmp_path / "two").updated == 1, "the other one has moved here"
        assert pipeline.search("pears")[0].text == "pears"


def test_fields_beside_the_text_are_metadata(make):
    with make() as pipeline:
        pipeline.index([{"id": "a", "text": "flat", "year": 3, "gone": None}])
        assert pipeline.search("flat", filters={"year": 3})[0].metadata == {"year": 3}


def test_a_lone_argument_is_the_id_and_no_text():
    with pytest.raises(DocumentError, match=r"the cat sat' has no text.*Document\(text="):
        Document("the cat sat")


def test_a_file_that_was_emptied_leaves_nothing_stale(make, tmp_path):
    note, other = tmp_path / "notes" / "note.md", tmp_path / "notes" / "other.md"
    note.parent.mkdir()
    note.write_text("The code is 4711.")
    other.write_text("Bread and salt.")
    with make() as pipeline:
        pipeline.index(note.parent)
        note.write_text("")
        report = pipeline.index(note.parent)
        assert (report.deleted, report.kept, report.chunks_deleted) == (1, 1, 1)
        assert report.as_dict()["documents"]["deleted"] == 1 and "1 deleted" in str(report)
        assert any("note.md: empty" in line for line in report.warnings)
        assert [hit.doc_id for hit in pipeline.search("4711")] == ["other.md"]
        assert pipeline.index(note.parent).deleted == 0
