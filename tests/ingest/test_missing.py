"""A folder that is synced: what is gone from it goes from the index, and nothing else does."""

import pytest
from indexing import small
from pipelines import documents

from retrievo import Document, IngestError, Pipeline, ReadError


@pytest.fixture
def folder(tmp_path):
    for name, text in (("a.md", "apples"), ("deep/b.md", "pears"), ("c.md", "plums")):
        path = tmp_path / "notes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "notes"


def ids(pipeline):
    return set(pipeline.store.fingerprints())


def test_files_that_are_gone_go(make, folder):
    with make() as pipeline:
        pipeline.index(folder)
        (folder / "deep" / "b.md").unlink()
        assert pipeline.index(folder).deleted == 0, "not without being asked"
        plan = pipeline.plan(folder, delete_missing=True)
        assert plan.deleted == ("deep/b.md",) and "delete 1" in str(plan)
        assert plan.as_dict()["documents"]["delete"] == ["deep/b.md"]
        report = pipeline.index(folder, delete_missing=True)
        assert (report.deleted, report.chunks_deleted, report.kept) == (1, 1, 2)
        assert ids(pipeline) == {"a.md", "c.md"}
        assert pipeline.index(folder, delete_missing=True).deleted == 0


def test_documents_from_elsewhere_stay(make, folder, tmp_path):
    other = tmp_path / "notes2" / "z.md"
    other.parent.mkdir()
    other.write_text("zebras")
    with make() as pipeline:
        pipeline.index([folder, other.parent])
        pipeline.index(documents())
        (folder / "a.md").unlink()
        pipeline.index(folder, delete_missing=True)
        assert ids(pipeline) == {"deep/b.md", "c.md", "z.md", *(d.id for d in documents())}
        pipeline.index(folder / "deep", delete_missing=True)
        assert "c.md" in ids(pipeline) and "deep/b.md" not in ids(pipeline), "b.md has its id now"


def test_of_documents_all_others_go(make):
    with make() as pipeline:
        pipeline.index(documents())
        report = pipeline.index(
            iter([Document("keys", documents()[0].text), Document("new", "x")]), delete_missing=True
        )
        assert report.deleted == 3 and ids(pipeline) == {"keys", "new"}


def test_an_empty_source_deletes_nothing_and_says_so(make, folder):
    with make() as pipeline:
        pipeline.index(folder)
        for path in folder.rglob("*.md"):
            path.unlink()
        report = pipeline.index(folder, delete_missing=True)
        assert report.deleted == 0 and len(ids(pipeline)) == 3
        assert any("nothing else is deleted" in line for line in report.warnings)
        folder.rename(folder.with_name("moved"))
        with pytest.raises(ReadError):
            pipeline.index(folder, delete_missing=True)
        assert len(ids(pipeline)) == 3


def test_a_file_that_cannot_be_read_this_time_stays(make, folder):
    with make() as pipeline:
        pipeline.index(folder)
        (folder / "a.md").write_bytes(b"\xff\xfe\x00\xd8broken\x00\x01")
        (folder / "c.md").unlink()
        report = pipeline.index(folder, delete_missing=True)
        told = [line for line in report.warnings if "a.md" in line]
        assert ids(pipeline) == {"a.md", "deep/b.md"}, (told, report)


def test_a_document_without_an_id_to_tell_keeps_all(make):
    with make() as pipeline:
        pipeline.index(documents())
        given = [Document("keys", "changed"), {"title": "no text"}]
        report = pipeline.index(given, delete_missing=True, on_error="skip")
        assert (report.deleted, report.updated, report.failed) == (0, 1, 1)
        assert any("could not be told by their ids" in line for line in report.warnings)


def test_a_document_that_fails_is_not_missing(make):
    class Refusing:
        def __init__(self, chunker):
            self._chunker = chunker

        def chunk(self, document):
            if document.id == "keys":
                raise ValueError("refused")
            return self._chunker.chunk(document)

    with make() as pipeline:
        pipeline.index(documents())
        pipeline._assembly._built["chunker"] = Refusing(pipeline._assembly.part("chunker"))
        pipeline._assembly._given.pop("chunker", None)
        with pytest.raises(IngestError, match="keys: the chunker Refusing raised ValueError"):
            pipeline.index(documents(keys="now refused"), delete_missing=True)
        assert ids(pipeline) == {d.id for d in documents()}
        assert any("rotate" in hit.text for hit in pipeline.search("rotate a key"))


def test_a_source_that_breaks_off_deletes_nothing(make):
    def broken():
        yield Document("keys", "changed")
        raise ConnectionError("the database went away")

    with make() as pipeline:
        pipeline.index(documents())
        with pytest.raises(ConnectionError):
            pipeline.index(broken(), delete_missing=True)
        assert ids(pipeline) == {d.id for d in documents()}


def test_an_empty_file_takes_no_other_folders_document(make, tmp_path):
    for folder, text in (("one", "apples"), ("two", "")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.md").write_text(text)
    (tmp_path / "two" / "y.md").write_text("pears")
    with make() as pipeline:
        pipeline.index([tmp_path / "one", Document("z.md", "no file at all")])
        (tmp_path / "two" / "z.md").write_text("")
        assert pipeline.index(tmp_path / "two").deleted == 0
        assert ids(pipeline) == {"x.md", "y.md", "z.md"}
        (tmp_path / "one").rename(tmp_path / "away")
        assert pipeline.index(tmp_path / "two").deleted == 0, "it may only be away"


def test_a_record_that_is_malformed_this_time_keeps_its_document(make, tmp_path):
    records = tmp_path / "d" / "records.jsonl"
    records.parent.mkdir()
    records.write_text('{"id": "1", "text": "one"}\n{"id": "2", "text": "two"}\n')
    with make() as pipeline:
        pipeline.index(records.parent)
        records.write_text('{"id": "1", "text": "one"}\n{"id": "2", "text": "tw\n')
        pipeline.index(records.parent, delete_missing=True)
        assert ids(pipeline) == {"1", "2"}
        records.write_text('{"id": "1", "text": "one"}\n')
        assert pipeline.index([records.parent, records], delete_missing=True).deleted == 1
        records.write_text("")
        (records.parent / "other.md").write_text("something")
        pipeline.index(records.parent, delete_missing=True)
        assert ids(pipeline) == {"other.md"}


def test_a_path_in_the_front_matter_decides_nothing(make, tmp_path):
    outside, inside = tmp_path / "q" / "keep.md", tmp_path / "q" / "u" / "gone.md"
    inside.parent.mkdir(parents=True)
    outside.write_text(f"---\npath: {inside.parent}/zz.md\n---\nKeep me.")
    inside.write_text("---\npath: /guide/x\n---\nI go.")
    (inside.parent / "rest.md").write_text("I stay.")
    with make() as pipeline:
        pipeline.index(tmp_path / "q")
        (kept,) = pipeline.search("keep", filters={"doc_id": "keep.md"})
        assert kept.metadata["path"].endswith("zz.md")
        assert kept.metadata["source_path"].endswith("q/keep.md")
        inside.unlink()
        pipeline.index(tmp_path / "q" / "u", delete_missing=True)
        assert "keep.md" in ids(pipeline) and "u/gone.md" not in ids(pipeline)


def test_relative_paths_that_lead_nowhere_are_told(make, folder, monkeypatch, tmp_path):
    monkeypatch.chdir(folder.parent)
    with make() as pipeline:
        pipeline.index("notes")
        (folder / "c.md").unlink()
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        report = pipeline.index(folder, delete_missing=True)
        assert report.deleted == 0
        assert any(
            "relative to the folder that they were indexed from" in w for w in report.warnings
        )


def test_an_index_among_its_documents_is_not_read_and_they_are(make, folder):
    with Pipeline.open(folder, **small()) as pipeline:
        pipeline.index(folder)
        (folder / "a.md").write_text("changed apples")
        assert pipeline.index(folder).updated == 1
        assert ids(pipeline) == {"a.md", "deep/b.md", "c.md"}
