"""Students of the static encoder, which is a teacher that needs no weights."""

import json

import numpy as np
import pytest
from aligned import many
from pipelines import CountingEncoder

from retrievo import Pipeline
from retrievo.encode.static import StaticEncoder
from retrievo.encode.student.card import CARD_FILE, StudentCard
from retrievo.encode.student.static import StaticStudent
from retrievo.errors import ConfigError, EncoderError, MismatchError
from retrievo.tune.distill import static_student
from retrievo.tune.distill.distill import distill, refresh
from retrievo.tune.distill.drift import drift_of

QUERY = "copper violin and the winter garden"
FEW = pytest.mark.filterwarnings("ignore:only .* chunks")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with an index of 400 documents and a student of it."""
    folder = tmp_path_factory.mktemp("made")
    with Pipeline.open(folder / "index") as pipeline:
        pipeline.index(many(400))
        found = distill(pipeline, "static", folder / "student")
    return folder, found


def opened(folder, **parts):
    return Pipeline.open(folder / "index", **parts)


def copy(made, tmp_path):
    """The same in a folder of the test's own."""
    folder, _ = made
    with opened(folder) as pipeline:
        pipeline.store.snapshot(tmp_path / "index")
    (tmp_path / "index" / "snapshot.json").unlink()
    (tmp_path / "student").mkdir()
    for file in (folder / "student").iterdir():
        (tmp_path / "student" / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_the_card_tells_whose_student_it_is_and_how_good(made):
    folder, found = made
    card = StudentCard.read(folder / "student")
    assert card == found.card and card.kind == "static" and not card.forced
    assert card.teacher.fingerprint == StaticEncoder().fingerprint
    assert (card.teacher.dim, card.chunks, card.last_row) == (256, 400, 399)
    assert card.documents.texts >= 20 and card.documents.documents == 400
    assert card.documents.cosine > 0.8 and card.queries.overlap > 0.5
    assert card.latency.student_ms > 0 and card.latency.teacher_ms > 0
    assert card.settings["documents"] == 400
    told = json.dumps(found.as_dict())
    assert '"use": "static-student"' in told and "cosine" in str(found)


def test_a_student_finds_what_its_teacher_finds(made):
    folder, _ = made
    teacher, student = StaticEncoder(), StaticStudent(folder / "student")
    texts = [item["text"] for item in many(60, seed=9)]  # of the same words, and not in the index
    cosines = np.einsum("nd,nd->n", teacher.encode_query(texts), student.encode_query(texts))
    assert cosines.mean() > 0.8
    with opened(folder) as plain:
        wanted = [hit.doc_id for hit in plain.search(QUERY, top_k=10)]
    with opened(folder, query_encoder=student) as pipeline:
        found = [hit.doc_id for hit in pipeline.search(QUERY, top_k=10)]
    assert len(set(wanted) & set(found)) >= 7


def test_it_is_used_by_configuration(made, tmp_path):
    folder, _ = made
    config = tmp_path / "p.toml"
    config.write_text(
        f"format = 1\n[query_encoder]\nuse = 'static-student'\npath = '{folder / 'student'}'\n"
        "[retrievers.bm25]\n[retrievers.dense]\nrescore = 'teacher'\n"
    )
    with Pipeline.from_toml(config, index=folder / "index") as pipeline:
        hits = pipeline.search(QUERY, top_k=5)
        assert hits[0].trace["branches"]["dense"]["scored_by"] == "teacher"
        assert not pipeline.passport.notes, "it is declared: nothing was measured"


def test_an_index_can_use_it_from_now_on(made, tmp_path):
    folder = copy(made, tmp_path)
    with opened(folder) as pipeline:
        found = distill(pipeline, "static", folder / "student", force=True)
        found.install(pipeline)
    with opened(folder) as pipeline:
        assert pipeline.config.tables["query_encoder"]["use"] == "static-student"
        assert pipeline.search(QUERY)
        assert isinstance(pipeline._assembly.part("query_encoder"), StaticStudent)
        assert pipeline.index(many(400)).kept == 400


def test_another_teachers_index_refuses_it(made):
    folder, _ = made
    student = StaticStudent(folder / "student")
    other = CountingEncoder()
    other.dim = 256
    with Pipeline(encoder=other, query_encoder=student) as pipeline:
        with pytest.raises(MismatchError, match=student.aligned_to):
            pipeline.index(many(5))


def test_one_that_is_not_good_enough_is_not_written(made, tmp_path):
    folder, _ = made
    with opened(folder) as pipeline:
        with pytest.raises(EncoderError, match=r"not written: its overlap@10 .* below 1"):
            distill(pipeline, "static", tmp_path / "out", min_overlap=1.0)
        assert list(tmp_path.iterdir()) == []
        forced = distill(pipeline, "static", tmp_path / "out", min_overlap=1.0, force=True)
        assert forced.card.forced and "forced" in str(forced)
        assert StaticStudent(tmp_path / "out").card.forced
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_same_index_gives_the_same_student(made, tmp_path):
    folder, found = made
    with opened(folder) as pipeline:
        again = distill(pipeline, "static", tmp_path / "out")
    assert again.card.documents == found.card.documents
    one, other = StaticStudent(folder / "student"), StaticStudent(tmp_path / "out")
    assert one.fingerprint == other.fingerprint


def test_what_is_there_is_not_replaced_unasked(made, tmp_path):
    folder, _ = made
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "from mother.txt").write_text("Dear")
    with opened(folder) as pipeline:
        with pytest.raises(ConfigError, match="holds no student"):
            distill(pipeline, "static", tmp_path / "letters", force=True)
        with pytest.raises(ConfigError, match=r"--refresh .* --force"):
            distill(pipeline, "static", folder / "student")


def test_newer_documents_are_taken_in_without_the_older_ones(made, tmp_path, monkeypatch):
    folder = copy(made, tmp_path)
    with opened(folder) as pipeline:
        new = [{"id": f"n{at}", "text": f"A zeppelin over the tundra, {at}."} for at in range(80)]
        pipeline.index(new)
        store = pipeline.store
        read = []
        student = StaticStudent(folder / "student")
        was = drift_of(store, "dense", student, student.card)
        assert (was.newer, was.chunks) == (80, 480) and was.drifted
        assert was.now.cosine < was.then.cosine and "refresh it" in str(was)

        texts = static_student._texts
        monkeypatch.setattr(
            static_student, "_texts", lambda s, rows: (read.extend(rows), texts(s, rows))[1]
        )
        found = refresh(pipeline, folder / "student")
        assert set(map(int, read)) == set(range(400, 480)), "no older text is read"
        assert found.before == was.now
        assert (found.card.chunks, found.card.last_row) == (480, 479)
        renewed = StaticStudent(folder / "student")
        now = drift_of(store, "dense", renewed, renewed.card)
        assert now.newer == 0 and now.now is None and not now.drifted
        texts_new = [item["text"] for item in new]
        wanted = StaticEncoder().encode_query(texts_new)

        def mean(encoder):
            return float(np.einsum("nd,nd->n", wanted, encoder.encode_query(texts_new)).mean())

        assert mean(renewed) > mean(student) + 0.1
        whole = distill(pipeline, "static", folder / "whole")
        assert StaticStudent(whole.folder).dim == 256
        assert whole.card.documents.cosine == pytest.approx(found.card.documents.cosine, abs=0.02)


def test_what_was_deleted_is_told(made, tmp_path):
    folder = copy(made, tmp_path)
    with opened(folder) as pipeline:
        pipeline.delete([f"d{at}" for at in range(7)])
        with pytest.warns(UserWarning, match="7 chunks that the student has learned from"):
            refresh(pipeline, folder / "student")


def test_what_cannot_be_refreshed(made, tmp_path):
    folder = copy(made, tmp_path)
    with opened(folder) as pipeline:
        with pytest.raises(ConfigError, match="is no student"):
            refresh(pipeline, tmp_path / "nothing")
        (folder / "student" / "statistics.safetensors").write_bytes(b"damaged")
        with pytest.raises(ConfigError, match="cannot be read"):
            refresh(pipeline, folder / "student")
        card = json.loads((folder / "student" / CARD_FILE).read_text())
        (folder / "student" / CARD_FILE).write_text(json.dumps({**card, "kind": "layers"}))
        with pytest.raises(ConfigError, match="only static ones"):
            refresh(pipeline, folder / "student")
        card["teacher"]["fingerprint"] = "another"
        (folder / "student" / CARD_FILE).write_text(json.dumps(card))
        with pytest.raises(ConfigError, match="another"):
            refresh(pipeline, folder / "student")


@FEW
def test_few_documents_make_a_student_that_says_so(tmp_path):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(many(12))
        with pytest.warns(UserWarning, match="only 12 chunks"):
            distill(pipeline, "static", tmp_path / "student", min_overlap=0)


def test_an_index_without_vectors_or_without_texts(tmp_path):
    config = tmp_path / "p.toml"
    config.write_text("format = 1\n[retrievers.bm25]\n")
    with Pipeline.from_toml(config, index=tmp_path / "lexical") as pipeline:
        pipeline.index(many(5))
        with pytest.raises(ConfigError, match="no 'dense' retriever"):
            distill(pipeline, "static", tmp_path / "student")
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(many(5))
        pipeline.delete([f"d{at}" for at in range(5)])
        with pytest.raises(ConfigError, match="is empty"):
            distill(pipeline, "static", tmp_path / "student")
        pipeline.index([{"id": "a", "text": "  "}, {"id": "b", "text": ""}])
        with pytest.raises(ConfigError, match="nothing to learn from"):
            distill(pipeline, "static", tmp_path / "student")
    assert not (tmp_path / "student").exists()


def test_a_teacher_that_cannot_be_asked(tmp_path):
    class Down(CountingEncoder):
        def encode_query(self, texts):
            raise ConnectionError("the service is down")

    with Pipeline(encoder=Down()) as pipeline:
        pipeline.index(many(200))
        with pytest.warns(UserWarning, match="the service is down"):
            found = distill(pipeline, "static", tmp_path / "student", min_overlap=0.1)
    assert found.card.queries is None and found.card.margin is None


def test_an_index_with_tenants(tmp_path):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(many(150), tenant="a")
        pipeline.index(many(150, seed=3), tenant="b")
        found = distill(pipeline, "static", tmp_path / "student")
        assert found.card.chunks == 300 and found.card.queries is not None
    with Pipeline.open(tmp_path / "index", query_encoder=StaticStudent(found.folder)) as pipeline:
        assert pipeline.search(QUERY, tenant="a")


def test_objects_are_handed_over_again(made, tmp_path):
    _, found = made
    with Pipeline.open(tmp_path / "index", encoder=CountingEncoder()) as pipeline:
        pipeline.index(many(5))
        with pytest.raises(ConfigError, match=r"query_encoder=Pipeline\.part"):
            found.install(pipeline)


@FEW
def test_a_few_documents_of_which_some_go(tmp_path):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index(many(10))
        distill(pipeline, "static", tmp_path / "student", min_overlap=0)
        pipeline.delete(["d3", "d4"])
        with pytest.warns(UserWarning, match="2 chunks that the student has learned from"):
            refresh(pipeline, tmp_path / "student", force=True)


def test_another_index_of_the_same_teacher_does_not_refresh_it(made, tmp_path):
    folder = copy(made, tmp_path)
    with Pipeline.open(tmp_path / "other") as pipeline:
        pipeline.index(many(450, seed=77))
        with pytest.raises(ConfigError, match="made of another index"):
            refresh(pipeline, folder / "student")


def test_a_student_that_was_lost_does_not_keep_another_from_being_made(made, tmp_path):
    folder = copy(made, tmp_path)
    with opened(folder) as pipeline:
        distill(pipeline, "static", folder / "lost").install(pipeline)
    for file in (folder / "lost").iterdir():
        file.unlink()
    with opened(folder) as pipeline:
        with pytest.raises(ConfigError, match="is no student"):
            pipeline.search(QUERY)
        distill(pipeline, "static", folder / "found").install(pipeline)
    with opened(folder) as pipeline:
        assert pipeline.search(QUERY)


def test_a_configuration_without_the_installed_student_says_so(made, tmp_path):
    folder, found = copy(made, tmp_path), made[1]
    config = tmp_path / "p.toml"
    config.write_text("format = 1\n[encoder]\nuse = 'static'\n")
    with opened(folder) as pipeline:
        found.install(pipeline)
    with Pipeline.from_toml(config, index=folder / "index") as pipeline:
        [told] = pipeline.index(many(400)).warnings
        assert "static-student" in told and "left out from now on" in told


def test_no_student_is_installed_while_an_index_moves(made, tmp_path):
    folder, found = copy(made, tmp_path), made[1]
    with opened(folder) as pipeline:
        pipeline.migrate({"use": "static", "truncate_dim": 64}, answers="old")
        with pytest.raises(ConfigError, match="is moving to another encoder"):
            found.install(pipeline)
