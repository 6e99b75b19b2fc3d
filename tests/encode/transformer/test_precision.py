"""The choice of a number format, with real bfloat16 and float16 copies of real modules.

Whether this machine has bfloat16 is the one thing that is told to the code instead of asked.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from tiny_transformers import parts, tiny

from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.transformer import opening
from retrievo.encode.transformer.precision import has_bfloat16, least_cosine
from retrievo.errors import ConfigError, EncoderError, RetrievoWarning

TEXTS = ["the quick fox", "a lazy dog jumps over a brown fox", "a", "the dog over the dog"]


@pytest.fixture
def model(tmp_path):
    return tiny(tmp_path, "bert")


@pytest.fixture
def with_bfloat16(monkeypatch):
    monkeypatch.setattr(opening, "has_bfloat16", lambda device: True)


def told(encoder, texts=TEXTS):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vectors = encoder.encode_document(texts)
    return vectors, [str(one.message) for one in caught if one.category is RetrievoWarning]


def test_float32_where_the_machine_has_no_bfloat16(model, monkeypatch):
    monkeypatch.setattr(opening, "has_bfloat16", lambda device: False)
    encoder = SentenceEncoder(model, cache="off")
    vectors, messages = told(encoder)
    assert encoder.identity()["dtype"] == "float32" and not messages
    assert np.abs(vectors - model.encode(TEXTS)).max() < 1e-5


def test_bfloat16_where_the_machine_has_it_and_the_texts_allow_it(model, with_bfloat16):
    encoder = SentenceEncoder(model, cache="off")
    assert encoder.identity()["dtype"] == "auto"
    vectors, messages = told(encoder)
    assert encoder.identity()["dtype"] == "bfloat16" and not messages
    exact = model.encode(TEXTS)
    assert least_cosine(vectors, exact) > 0.9995
    assert np.abs(vectors - exact).max() > 1e-5  # it did compute in bfloat16
    assert next(model.parameters()).dtype == torch.float32
    assert encoder.fingerprint == SentenceEncoder(model, dtype="float32").fingerprint


def test_float32_where_bfloat16_changes_the_vectors(model, with_bfloat16):
    # States near 100, of which 8 bits keep no differences; the module behind takes the 100 away.
    last = model[0].auto_model.encoder.layer[-1].output.LayerNorm
    with torch.no_grad():
        last.bias.add_(torch.linspace(-100, 100, 16))
    transformer, pooling, _ = model
    torch.manual_seed(1)
    dense = parts.Dense(16, 16)
    with torch.no_grad():
        dense.linear.bias.copy_(-dense.linear.weight @ last.bias)
    dense.activation_function = torch.nn.Identity()
    wild = type(model)(modules=[transformer, pooling, dense], device="cpu")
    encoder = SentenceEncoder(wild, cache="off")
    vectors, messages = told(encoder)
    assert len(messages) == 1 and "bfloat16 changes this model's vectors (cosine" in messages[0]
    assert encoder.identity()["dtype"] == "float32"
    assert np.abs(vectors - wild.encode(TEXTS, normalize_embeddings=True)).max() < 1e-5
    assert not told(encoder)[1]


def test_the_cache_keeps_formats_apart(model, with_bfloat16, tmp_path):
    path = tmp_path / "vectors.db"
    exact, _ = told(SentenceEncoder(model, dtype="float32", cache=path))
    narrow, _ = told(SentenceEncoder(model, cache=path))
    assert np.abs(narrow - exact).max() > 1e-5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_format_that_is_asked_for(model, dtype, monkeypatch):
    monkeypatch.setattr("retrievo.encode.transformer.precision.has_bfloat16", lambda device: False)
    with pytest.warns(RetrievoWarning, match=f"no instructions for {dtype}"):
        encoder = SentenceEncoder(model, dtype=dtype, cache="off")
    vectors, messages = told(encoder)
    assert vectors.dtype == np.float32 and not messages
    assert encoder.identity()["dtype"] == dtype
    assert least_cosine(vectors, model.encode(TEXTS)) > 0.999
    assert encoder.fingerprint != SentenceEncoder(model, cache="off").fingerprint
    assert next(model.parameters()).dtype == torch.float32


@pytest.mark.filterwarnings("ignore:this CPU has no instructions")
def test_numbers_that_are_too_large_for_float16_are_an_error(model):
    with torch.no_grad():
        model[0].auto_model.encoder.layer[-1].output.LayerNorm.weight.fill_(1e30)
    SentenceEncoder(model, dtype="float32", cache="off").encode_query(["fox"])
    with pytest.raises(EncoderError, match="non-finite numbers in float16 for 1 of 1 texts"):
        SentenceEncoder(model, dtype="float16", cache="off").encode_query(["fox"])


def test_a_format_that_is_not_known(model):
    with pytest.raises(ConfigError, match="dtype is 'int4'; one of"):
        SentenceEncoder(model, dtype="int4")


def test_least_cosine_by_hand():
    some = np.array([[1, 0], [3, 4]], np.float32)
    assert least_cosine(some, some) == pytest.approx(1)
    assert least_cosine(some, np.array([[2, 0], [0, 1]], np.float32)) == pytest.approx(0.8)
    assert not least_cosine(some, np.array([[np.nan, 0], [3, 4]], np.float32)) >= 0


def test_only_devices_that_multiply_bfloat16_have_it():
    assert not has_bfloat16(torch.device("mps"))
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and torch.backends.mkl.is_available():
        flags = cpuinfo.read_text()
        assert has_bfloat16(torch.device("cpu")) == ("avx512_bf16" in flags or "amx_tile" in flags)
