"""Transformer students of an index, from the index to its use, with tiny models."""

import pytest
from tiny_model import sentences, tiny_model

pytest.importorskip("sentence_transformers", reason="needs sentence-transformers")
pytest.importorskip("accelerate", reason="training needs the extra train")

from retrievo import Pipeline
from retrievo.encode.student.transformer import TransformerStudent
from retrievo.errors import ConfigError, EncoderError
from retrievo.tune.distill.distill import distill

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A teacher of four layers, a smaller model, and an index by the first."""
    root = tmp_path_factory.mktemp("students")
    tiny_model(root / "teacher", layers=4, dim=32)
    tiny_model(root / "small", layers=1, dim=16)
    with opened(root) as pipeline:
        pipeline.index([{"id": str(n), "text": text} for n, text in enumerate(sentences(200))])
    return root


def opened(root, **parts):
    config = root / "p.toml"
    config.write_text(
        'format = 1\n[encoder]\nuse = "sentence-transformers"\ncache = "off"\n'
        f"dtype = 'float32'\nmodel = '{root / 'teacher'}'\n[chunker]\ntokenizer = 'static'\n"
    )
    return Pipeline.from_toml(config, index=root / "index", **parts)


@pytest.mark.parametrize(("kind", "how"), [("layers", {"layers": 2}), ("external", {})])
def test_from_the_index_to_its_use(root, tmp_path, kind, how):
    how = how or {"model": str(root / "small")}
    with opened(root) as pipeline:
        found = distill(pipeline, kind, tmp_path / "student", minutes=0.05, min_overlap=0.0, **how)
        fingerprint = pipeline.passport.encoder["fingerprint"]
    assert found.use == f"{kind}-student" and found.card.teacher.fingerprint == fingerprint
    assert found.card.documents.texts == 20 and found.card.queries.texts > 0
    assert found.card.settings["queries"] > 0 and found.card.last_row == 199
    student = Pipeline.part("encoder", found.use, path=str(tmp_path / "student"))
    assert isinstance(student, TransformerStudent) and student.aligned_to == fingerprint
    with opened(root, query_encoder=student) as pipeline:
        assert len(pipeline.search("glacier lantern", top_k=5)) == 5
        assert not pipeline.passport.notes, "it is declared: nothing was measured"


def test_one_below_the_overlap_is_not_written(root, tmp_path):
    with opened(root) as pipeline, pytest.raises(EncoderError, match="is not written"):
        distill(pipeline, "layers", tmp_path / "s", layers=1, minutes=0.02, min_overlap=1.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "how", "said"),
    [
        ("external", {}, "wants a model"),
        ("layers", {"layers": 4}, "1 to 3"),
        ("layers", {"model": "x"}, "leave it out"),
        ("layers", {"minutes": 0.0}, "minutes"),
    ],
)
def test_what_makes_no_student(root, tmp_path, kind, how, said):
    with opened(root) as pipeline, pytest.raises(ConfigError, match=said):
        distill(pipeline, kind, tmp_path / "s", **how)
    assert list(tmp_path.iterdir()) == []


def test_a_teacher_that_has_no_layers(tmp_path):
    with Pipeline.open(tmp_path / "index") as pipeline:
        pipeline.index([{"id": str(n), "text": text} for n, text in enumerate(sentences(80))])
        with pytest.raises(ConfigError, match="wants a SentenceTransformer"):
            distill(pipeline, "layers", tmp_path / "s")
