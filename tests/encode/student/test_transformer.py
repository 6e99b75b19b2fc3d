"""Students of a small random BERT, in their folders."""

import json
import shutil

import numpy as np
import pytest
from tiny_model import sentences, tiny_model

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")

from sentence_transformers import SentenceTransformer

from retrievo.contracts import Encoder
from retrievo.encode.matryoshka.heads import Head
from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.student.card import CARD_FILE, Fidelity, StudentCard, Teacher
from retrievo.encode.student.transformer import TransformerStudent
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.testing.encoders import EncoderContract
from retrievo.tune.distill.student_model import with_projection
from retrievo.tune.distill.transformer_student import write_student

DIM = 24
TEXTS = sentences(12)


def card(folder, kind="layers", dim=DIM):
    StudentCard(
        kind=kind,
        teacher=Teacher(model="a-teacher", fingerprint="f" * 32, dim=dim),
        chunks=90,
        last_row=89,
        documents=Fidelity(texts=9, documents=90, cosine=0.9, overlap=0.6),
        min_overlap=0.5,
    ).save(folder)


def student(folder, *, seed=0, length=None):
    """A body of 32 dimensions with a random map into 24 behind it."""
    draw = np.random.default_rng(seed)
    parts = [draw.standard_normal(shape).astype(np.float32) for shape in ((32, DIM), 32, DIM)]
    body = SentenceTransformer(str(tiny_model(folder / "body", layers=2)), device="cpu")
    prompts = {"query": "letter garden ", "document": ""}
    made = with_projection(body, Head("ridge", 2, *parts), length=length, prompts=prompts)
    write_student(folder / "made", made)
    card(folder / "made")
    return folder / "made"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return student(tmp_path_factory.mktemp("student"))


def opened(folder, **arguments):
    return TransformerStudent(folder, device="cpu", dtype="float32", **arguments)


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copied")


class _BothSides(TransformerStudent):
    """What the kit asks of documents is asked of queries a second time."""

    encode_document = TransformerStudent.encode_query


@pytest.fixture(scope="module")
def both_sides(folder, tmp_path_factory):
    """The student, and others that differ in one thing each, by its name."""
    bare = shutil.copytree(folder, tmp_path_factory.mktemp("bare") / "copied")
    told = json.loads((bare / "config_sentence_transformers.json").read_text())
    told["prompts"]["query"] = ""
    (bare / "config_sentence_transformers.json").write_text(json.dumps(told))
    other = student(tmp_path_factory.mktemp("other"), seed=2)
    folders = {"itself": folder, "prompt": bare, "weights": other}
    return {name: _BothSides(path, device="cpu", dtype="float32") for name, path in folders.items()}


class TestContract(EncoderContract):
    sides = "alike"

    @pytest.fixture
    def encoder(self, both_sides):
        return both_sides["itself"]

    @pytest.fixture
    def variants(self, both_sides):
        return {name: one for name, one in both_sides.items() if name != "itself"}


def test_queries_are_those_of_the_model_with_its_prompt(folder):
    encoder = opened(folder)
    plain = SentenceTransformer(str(folder), device="cpu")
    found = encoder.encode_query(TEXTS)
    assert found.shape == (12, encoder.dim) == (12, DIM) and found.dtype == np.float32
    np.testing.assert_allclose(found, plain.encode_query(TEXTS), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    bare = plain.encode(TEXTS)
    prompted = plain.encode([f"letter garden {text}" for text in TEXTS])
    np.testing.assert_allclose(found, prompted, atol=1e-5)
    assert np.abs(found - bare).max() > 1e-2


def test_lengths_are_kept_where_the_teacher_has_them(tmp_path):
    folder = student(tmp_path, length=5.0)
    found = opened(folder).encode_query(TEXTS)
    unit = opened(student(tmp_path / "unit")).encode_query(TEXTS)
    lengths = np.linalg.norm(found, axis=1)
    assert lengths.std() > 0.1  # a ridge alone does not give them all one length
    np.testing.assert_allclose(found / lengths[:, None], unit, atol=1e-5)
    np.testing.assert_allclose(
        found, SentenceTransformer(str(folder), device="cpu").encode_query(TEXTS), atol=1e-4
    )


def test_what_it_says_of_itself(folder):
    encoder = opened(str(folder))
    assert isinstance(encoder, Encoder)
    assert encoder.aligned_to == "f" * 32
    assert encoder.card == StudentCard.read(folder)
    whole = SentenceEncoder(folder, cache="off")
    assert (encoder.max_tokens, encoder.on_truncate) == (whole.max_tokens, "warn") == (64, "warn")
    assert encoder.fingerprint == whole.fingerprint
    told = encoder.identity()
    assert (told["name"], told["kind"], told["model"]) == ("layers-student", "layers", "made")
    assert told["prompts"] == {"query": "letter garden ", "document": ""}
    assert (told["dim"], told["normalize"]) == (DIM, True)
    assert str(folder.parent) not in json.dumps(told)


def test_other_weights_are_another_fingerprint(folder, tmp_path):
    other = student(tmp_path, seed=1)
    ours, theirs = (opened(one) for one in (folder, other))
    assert ours.fingerprint != theirs.fingerprint
    assert ours.fingerprint == opened(folder).fingerprint


def test_the_kind_names_it(copied):
    card(copied, kind="external")
    assert opened(copied).identity()["name"] == "external-student"


def test_documents_are_refused_with_what_to_do(folder):
    with pytest.raises(EncoderError, match=r"queries only.*a-teacher.*\[query_encoder\]"):
        opened(folder).encode_document(TEXTS)


def test_empty_texts_and_none(folder):
    encoder = opened(folder)
    assert encoder.encode_query([]).shape == (0, DIM)
    with pytest.warns(RetrievoWarning, match="1 of 2 texts are empty"):
        found = encoder.encode_query(["", "river castle"])
    assert not found[0].any() and found[1].any()


def test_queries_are_cached_where_it_is_asked(folder, tmp_path):
    encoder = opened(folder, cache=str(tmp_path / "cache"))
    wanted = encoder.encode_query(TEXTS)
    np.testing.assert_array_equal(encoder.encode_query(TEXTS), wanted)
    encoder.close()
    assert (tmp_path / "cache").is_file()


def test_a_folder_without_a_card_is_refused(copied):
    (copied / CARD_FILE).unlink()
    with pytest.raises(ConfigError, match=r"student\.json is not there"):
        TransformerStudent(copied)


def test_a_damaged_card_is_refused(copied):
    (copied / CARD_FILE).write_text('{"kind": "layers"}')
    with pytest.raises(ConfigError, match="no card of a student"):
        TransformerStudent(copied)


def test_a_static_students_card_is_refused(copied):
    card(copied, kind="static")
    with pytest.raises(ConfigError, match="use = 'static-student'"):
        TransformerStudent(copied)


def test_a_model_of_another_size_is_refused(copied):
    card(copied, dim=32)
    with pytest.raises(ConfigError, match=r"has 24 dimensions.*have 32"):
        opened(copied)


@pytest.mark.parametrize("text", ["{", "[]", "[1]", '[{"type": 1}]', '{"a": 1}'])
def test_damaged_modules_are_refused(copied, text):
    (copied / "modules.json").write_text(text)
    with pytest.raises((ConfigError, EncoderError), match=r"copied"):
        opened(copied)


def test_missing_weights_are_refused(copied):
    (copied / "3_Dense" / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="cannot be loaded"):
        opened(copied)
