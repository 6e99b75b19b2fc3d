"""The grid on a tiny random model; its numbers are computed again here, in other ways."""

import random
import sys

import numpy as np
import pytest

from retrievo.errors import ConfigError, MissingExtraError

pytest.importorskip("sentence_transformers", reason="needs the extra models")

from tiny_transformers import WORDS, tiny

from retrievo.encode.matryoshka.calibrate import calibrate
from retrievo.encode.matryoshka.depth import at_depth
from retrievo.encode.matryoshka.head_files import Heads
from retrievo.encode.matryoshka.heads import unit
from retrievo.encode.sentence import SentenceEncoder

QUERIES = ["a quick dog", "the lazy fox jumps", "brown brown fox"]


def texts(n, seed=3):
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS[5:], k=rng.randint(6, 18))) for _ in range(n)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="module")
def encoder(model):
    return SentenceEncoder(model, query_prompt="the ", cache="off")


@pytest.fixture(scope="module")
def found(encoder):
    return calibrate(encoder, texts(160), layers=[1, 3, 4], dims=[4, 16], queries=QUERIES)


def test_the_grid_holds_each_cut_once(found):
    cuts = [(point.layers, point.dim, point.head) for point in found.points]
    both = [(d, w, head) for d in (1, 3, 4) for w in (4, 16) for head in ("slice", "pca")]
    assert sorted(cuts) == sorted([*both, (1, 16, "ridge"), (3, 16, "ridge")])
    assert (found.texts, found.documents, found.queries, found.k) == (160, 80, 3, 10)
    assert {point.bytes for point in found.points} == {16, 64}


def test_the_whole_model_agrees_with_itself(found):
    # A rotation changes no cosine, so that all dimensions of it are the whole model again.
    for head in ("slice", "pca"):
        assert found.point(4, 16, head).overlap == 1.0
        assert found.point(4, 16, head).cost == 1.0


def test_the_overlap_of_a_cut_is_what_two_encoders_agree_on(model, found):
    chosen = random.Random(0).sample(list(dict.fromkeys(texts(160))), 160)[80:]
    nearest = []
    for layers, dim in ((4, 16), (3, 4)):
        cut = at_depth(model, layers)
        documents = unit(cut.encode(chosen)[:, :dim])
        queries = unit(cut.encode([f"the {query}" for query in QUERIES])[:, :dim])
        nearest.append(np.argsort(-(queries @ documents.T), axis=1, kind="stable")[:, :10])
    same = [len(set(one) & set(other)) / 10 for one, other in zip(*nearest, strict=True)]
    assert found.point(3, 4, "slice").overlap == pytest.approx(np.mean(same))


def test_the_heads_are_fitted_on_all_texts_and_serve_the_encoder(encoder, found, tmp_path):
    path = found.save_heads(tmp_path / "heads")
    heads = Heads.load(path.parent)
    kinds = [(head.kind, head.layers) for head in heads.heads]
    assert kinds == [("pca", 1), ("ridge", 1), ("pca", 3), ("ridge", 3), ("pca", 4)]
    assert heads.head("pca", 1).fitted_on["texts"] == 160
    assert heads.head("ridge", 3).fitted_on["texts"] == 320  # a sentence of each besides
    query = SentenceEncoder(
        encoder.model, query_prompt="the ", layers=3, head="ridge", heads=path.parent, cache="off"
    )
    assert query.aligned_to == encoder.fingerprint == heads.fingerprint
    states = encoder.at_depth(3).encode_query(QUERIES)
    want = heads.head("ridge", 3).apply(states)
    np.testing.assert_allclose(query.encode_query(QUERIES), want, atol=1e-6)


def test_without_queries_sentences_of_the_held_out_texts_are_asked(encoder):
    lines = [f"{text}. the lazy dog jumps over." for text in texts(80)]
    found = calibrate(encoder, [*lines, *lines, " "], layers=[4], dims=[8])
    assert (found.texts, found.queries) == (80, 40)
    assert found.queries_from == "sentences of the held-out documents"
    assert found.point(4, 8, "slice").overlap < 1


def test_a_model_alone_is_taken_and_progress_is_told(model):
    seen = []
    found = calibrate(
        model, texts(300), layers=[2], max_texts=70, progress=lambda *told: seen.append(told)
    )
    assert found.texts == 70 and {point.dim for point in found.points} == {16}
    assert seen == sorted(seen) and seen[-1] == (2 * (140 + 35), 2 * (140 + 35))


def test_the_table_and_the_numbers_say_the_same(found):
    lines = str(found).splitlines()
    assert lines[0].startswith("given: 4 layers, 16 dimensions; 80 documents held out of 160")
    assert lines[1].split() == [
        "layers",
        "dim",
        "head",
        "documents",
        "by",
        "overlap@10",
        "cost",
        "bytes",
    ]
    told = found.as_dict()
    assert len(lines) - 2 == len(told["points"]) == len(found.points)
    for line, point in zip(lines[2:], told["points"], strict=True):
        cells = line.split()
        assert cells[:3] == [str(point["layers"]), str(point["dim"]), point["head"]]
        assert cells[-3:] == [
            f"{point['overlap']:.3f}",
            f"{point['cost']:.2f}",
            str(point["bytes"]),
        ]
    assert "whole model" in lines[-1] or "whole model" in str(found)


def test_the_grid_is_drawn(found, tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    drawing = found.plot(tmp_path / "grid.svg").read_text()
    assert drawing.count("<svg") == 1 and len(drawing) > 5000


def test_without_matplotlib_the_way_out_is_named(found, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="pip install matplotlib, or leave --plot out"):
        found.plot(tmp_path / "grid.png")


def test_wrong_use_says_what_is_wanted(encoder):
    with pytest.raises(ConfigError, match="59 different texts to calibrate on; at least 60"):
        calibrate(encoder, texts(59) * 2)
    with pytest.raises(ConfigError, match=r"layers is \[0, 2\]; each must be from 1 to 4"):
        calibrate(encoder, texts(80), layers=[0, 2])
    with pytest.raises(ConfigError, match=r"dims is \[17\]; each must be from 1 to 16"):
        calibrate(encoder, texts(80), dims=[17])
    with pytest.raises(ConfigError, match="queries holds no text"):
        calibrate(encoder, texts(80), queries=[" "])
    with pytest.raises(ConfigError, match="a str cannot be calibrated: it has no layers"):
        calibrate("all-MiniLM-L6-v2", texts(80))
