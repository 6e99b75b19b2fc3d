"""Ladders of a small random BERT; its scores mean little, its folders and refusals are real."""

import json
import shutil

import numpy as np
import pytest
from tiny_model import sentences, tiny_model

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")
pytest.importorskip("datasets", reason="needs the extra 'train'")
pytest.importorskip("accelerate", reason="needs the extra 'train'")

import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.ladder import read_heads, read_ladder
from retrievo.encode.sentence import SentenceEncoder
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning
from retrievo.telling import collecting
from retrievo.tune.judged import Judged
from retrievo.tune.ladder import train_ladder
from retrievo.tune.ladder_depths import Depths
from retrievo.tune.ladder_scores import cut, states
from retrievo.tune.ladder_settings import Settings

POINTS = ((1, 8), (2, 16), (3, 16))
QUICK = Settings(steps=4, batch_size=16, learning_rate=1e-4, piece_tokens=16, held_out=30)
TEXTS = sentences(120)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="module")
def made(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "ladder"
    judged = Judged("three", TEXTS[:60], TEXTS[:3], [{0: 1}, {1: 1}, {2: 1}])
    steps = []
    ladder = train_ladder(
        model, TEXTS, folder, points=POINTS, settings=QUICK, judged=judged, progress=steps.append
    )
    return folder, ladder, steps


def test_every_point_is_measured_at_every_stage(made):
    _, ladder, steps = made
    every = [*ladder.points, *ladder.refused]
    assert sorted(point.cut for point in every) == [(1, 8), (2, 16), (3, 16), (4, 32)]
    for point in every:
        for scores in (
            point.raw,
            point.trained,
            *([point.fitted] if point.head != "slice" else []),
        ):
            assert scores.keys() == {"overlap@10", "ndcg@10"}
    # A query that is a document is found first by the full model, and it overlaps with itself.
    assert ladder.points[-1].raw == {"overlap@10": 1.0, "ndcg@10": 1.0}
    assert ladder.training["judged"] == "three" and ladder.training["steps"] == 4
    assert [(step.documents, step.total) for step in steps] == [(n, 4) for n in (1, 2, 3, 4)]


def test_the_folder_is_a_sentence_transformer_with_its_ladder(made):
    folder, ladder, _ = made
    assert SentenceTransformer(str(folder), device="cpu").encode(["a bridge"]).shape == (1, 32)
    assert read_ladder(folder) == ladder
    assert [path.name for path in folder.parent.iterdir()] == ["ladder"]


def test_the_encoder_gives_the_vectors_that_were_measured(made):
    folder, ladder, _ = made
    model = SentenceTransformer(str(folder), device="cpu")
    depths = Depths(model, [1, 2, 3])
    found, heads = states(model, depths, TEXTS[:5]), read_heads(folder, ladder)
    assert set(heads) == set(POINTS)
    for layers, dim in (point.cut for point in ladder.points):
        encoder = SentenceEncoder(
            folder, layers=layers, truncate_dim=dim, cache="off", dtype="float32"
        )
        ours = cut(found, (layers, dim), heads)
        assert np.abs(encoder.encode_document(TEXTS[:5]) - ours).max() < 1e-5


@pytest.mark.parametrize("dtype", ["auto", "float32", "bfloat16", "float16"])
def test_its_own_model_is_known_in_any_format_and_with_any_prompts(made, dtype):
    folder, ladder, _ = made
    options = {"dtype": dtype, "document_prompt": "passage: ", "on_truncate": "split"}
    point = ladder.points[0]
    with collecting():  # this CPU may compute the narrow formats slower
        encoder = SentenceEncoder(folder, layers=point.layers, truncate_dim=point.dim, **options)
    assert encoder.dim == point.dim


def test_a_ladder_of_other_weights_is_refused(made, tmp_path):
    folder, ladder, _ = made
    other = tmp_path / "retrained"
    model = SentenceTransformer(str(folder), device="cpu")
    with torch.no_grad():
        model[0].auto_model.encoder.layer[3].output.dense.weight[0, 0] += 1e-3
    model.save_pretrained(str(other), create_model_card=False)
    for file in ("ladder.json", "ladder.safetensors"):
        (other / file).write_bytes((folder / file).read_bytes())
    layers, dim = ladder.points[0].cut
    why = r"retrained.ladder.json is the ladder of tiny with other weights.*train ladder.*delete"
    for wanted in ({"layers": layers, "truncate_dim": dim}, {"truncate_dim": dim}):
        with pytest.raises(ConfigError, match=why):
            SentenceEncoder(other, **wanted)
    assert SentenceEncoder(other).dim == 32  # the whole model needs no ladder
    assert SentenceEncoder(other, truncate_dim=dim, allow_untrained=True).dim == dim


@pytest.mark.parametrize("size", [{"layers": 12}, {"dim": 64}])
def test_a_ladder_of_a_model_of_another_size_is_refused(made, tmp_path, size):
    folder, ladder, _ = made
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    point = ladder.points[0].model_copy(update={"layers": 4, "dim": 8, "head": "slice"})
    wrong = ladder.model_copy(update={**size, "points": (point,), "refused": ()})
    (other / "ladder.json").write_text(wrong.model_dump_json())
    with pytest.raises(
        ConfigError, match=r"ladder.json is the ladder of tiny with .* has 4 and 32"
    ):
        SentenceEncoder(other, layers=4, truncate_dim=8)


def test_a_narrow_point_of_fewer_layers_is_not_run_with_all(made, tmp_path):
    # (4, 8) of a ladder that says 4 layers, beside a model of 6.
    _, ladder, _ = made
    deeper = tiny_model(tmp_path / "deeper", layers=6)
    point = ladder.points[0].model_copy(update={"layers": 4, "dim": 8, "head": "slice"})
    wrong = ladder.model_copy(update={"points": (point,), "refused": ()})
    (deeper / "ladder.json").write_text(wrong.model_dump_json())
    with pytest.raises(ConfigError, match=r"with 4 layers and 32 dimensions.* has 6 and 32"):
        SentenceEncoder(deeper, truncate_dim=8)


def test_the_original_is_not_changed(model, tmp_path):
    given = SentenceTransformer(str(model), device="cpu")
    before = {name: tensor.clone() for name, tensor in given.state_dict().items()}
    train_ladder(given, TEXTS, tmp_path / "out", points=POINTS, settings=QUICK)
    assert all(bool((tensor == before[name]).all()) for name, tensor in given.state_dict().items())
    trained = SentenceTransformer(str(tmp_path / "out"), device="cpu").state_dict()
    assert any(not bool((trained[name] == before[name]).all()) for name in before)


@pytest.mark.parametrize("method", ["starbucks", "2dmse"])
def test_one_seed_gives_one_model(model, tmp_path, method):
    settings = QUICK._replace(method=method, steps=2)
    for name in ("one", "two"):
        train_ladder(model, TEXTS, tmp_path / name, points=POINTS, settings=settings)
    for file in ("model.safetensors", "ladder.safetensors", "ladder.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_loss_falls(model, tmp_path):
    settings = QUICK._replace(steps=30, learning_rate=5e-4)
    ladder = train_ladder(model, TEXTS, tmp_path / "out", points=((1, 8),), settings=settings)
    first, last = ladder.training["loss"]
    assert last < first


def test_a_batch_that_is_larger_than_all_there_is(model, tmp_path):
    settings = QUICK._replace(batch_size=500, steps=1)
    ladder = train_ladder(model, TEXTS, tmp_path / "out", points=POINTS, settings=settings)
    assert ladder.training["batch_size"] == ladder.training["pieces"] < 500


def test_a_stopped_training_leaves_nothing(model, tmp_path):
    def stop(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_ladder(model, TEXTS, tmp_path / "out", points=POINTS, settings=QUICK, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_replaced_only_when_told(model, made, tmp_path):
    folder, _, _ = made
    with pytest.raises(ConfigError, match="is there; give another folder, or --force"):
        train_ladder(model, TEXTS, folder, points=POINTS, settings=QUICK)
    with pytest.raises(ConfigError, match="is the model that is trained"):
        train_ladder(model, TEXTS, model, points=POINTS, settings=QUICK, force=True)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds no model"):
        train_ladder(model, TEXTS, tmp_path / "notes", points=POINTS, settings=QUICK, force=True)
    train_ladder(model, TEXTS, tmp_path / "out", points=POINTS, settings=QUICK)
    settings = QUICK._replace(steps=1)
    train_ladder(model, TEXTS, tmp_path / "out", points=POINTS, settings=settings, force=True)
    assert read_ladder(tmp_path / "out").training["steps"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes", "out"]


def test_a_full_model_that_is_spoiled_is_not_written(model, tmp_path):
    settings = QUICK._replace(steps=10, learning_rate=0.5)
    with pytest.raises(EncoderError, match="lower the learning rate"):
        train_ladder(model, TEXTS, tmp_path / "out", points=POINTS, settings=settings)
    assert list(tmp_path.iterdir()) == []


def test_texts_that_do_not_suffice(model, tmp_path):
    with pytest.raises(ConfigError, match="49 different texts were given"):
        train_ladder(model, TEXTS[:49], tmp_path / "out", settings=QUICK)
    with (
        pytest.warns(RetrievoWarning, match="2 of 54 texts are empty and 3 are there already"),
        pytest.raises(ConfigError, match="49 different"),
    ):
        train_ladder(model, [*TEXTS[:49], "", " \n", *TEXTS[:3]], tmp_path / "out", settings=QUICK)


def test_a_model_without_a_transformer_is_refused(tmp_path):
    from tiny_transformers import parts
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    static = parts.StaticEmbedding(Tokenizer(WordLevel({"a": 0}, unk_token="a")), embedding_dim=8)
    model = SentenceTransformer(modules=[static], device="cpu")
    with pytest.raises(ConfigError, match="transformer"):
        train_ladder(model, TEXTS, tmp_path / "out", settings=QUICK)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "3d"}, "method is '3d'"),
        ({"steps": 0}, "steps is 0"),
        ({"batch_size": 1}, "batch_size is 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"minutes": float("nan")}, "minutes is nan"),
    ],
)
def test_settings_that_cannot_be(changed, message):
    with pytest.raises(ConfigError, match=message):
        QUICK._replace(**changed).checked()


def test_the_shortest_of_epochs_and_minutes_counts():
    settings = Settings(epochs=2, minutes=1, batch_size=10)
    assert settings.planned(100, seconds=0.001) == 20
    assert settings.planned(10_000, seconds=6 / 1.35) == 10
    assert settings.planned(1, seconds=1000) == 1
    assert settings._replace(steps=7).planned(1, seconds=1000) == 7


def test_the_file_is_plain_json(made):
    told = json.loads((made[0] / "ladder.json").read_text())
    assert told["format"] == 1 and told["model"] == "tiny"
    assert told["points"][-1]["layers"] == 4 and told["points"][-1]["dim"] == 32
