"""The same vectors as sentence-transformers' own loop, whatever the model is made of."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from sentence_transformers import SentenceTransformer
from tiny_transformers import MODELS, parts, tiny

from retrievo.encode.sentence import SentenceEncoder

TEXTS = [
    "the quick fox",
    "a lazy dog jumps over a brown fox the fox jumps",
    "a",
    "the lazy dog over the lazy dog over the lazy dog quick quick",
    "words it does not know",
    "fox dog " * 40,  # longer than the model reads: both cut it in the same place
]


def encoder_of(model, **given):
    return SentenceEncoder(model, cache="off", **{"normalize": False, **given})


def furthest(encoder, model, *, side="document", **given):
    """The largest difference of a number between both loops."""
    ours = encoder.encode_query if side == "query" else encoder.encode_document
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the text that is cut
        made = ours(TEXTS)
    theirs = model.encode(TEXTS, task=side, **given)
    assert np.abs(theirs[0] - theirs[1]).max() > 1e-3, "this model tells no texts apart"
    return np.abs(made - theirs).max()


def is_direct(encoder, prompt="", side="document"):
    return encoder._forward._direct(prompt, side) is not None


@pytest.mark.parametrize("kind", MODELS)
def test_an_architecture(kind, tmp_path):
    model = tiny(tmp_path, kind)
    encoder = encoder_of(model)
    assert furthest(encoder, model) < 1e-5
    assert is_direct(encoder)


@pytest.mark.parametrize("budget", [1, 20, 10_000])
def test_batches_of_any_size(budget, tmp_path):
    model = tiny(tmp_path, "bert")
    assert furthest(encoder_of(model, batch_tokens=budget), model) < 1e-5


def test_a_decoder_that_pads_on_the_left_and_reads_its_last_token(tmp_path):
    model = tiny(tmp_path, "qwen3")
    model.tokenizer.padding_side = "left"
    model = SentenceTransformer(
        modules=[model[0], parts.Pooling(16, pooling_mode="lasttoken")], device="cpu"
    )
    encoder = encoder_of(model)
    assert furthest(encoder, model) < 1e-5
    assert is_direct(encoder)


def test_a_module_behind_the_pooling(tmp_path):
    transformer, pooling, _ = tiny(tmp_path, "bert")
    torch.manual_seed(3)
    model = SentenceTransformer(modules=[transformer, pooling, parts.Dense(16, 6)], device="cpu")
    encoder = encoder_of(model)
    assert encoder.dim == 6
    assert furthest(encoder, model) < 1e-5


def static(model):
    torch.manual_seed(3)
    return parts.StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=16)


def test_static_embeddings(tmp_path):
    model = SentenceTransformer(modules=[static(tiny(tmp_path, "bert"))], device="cpu")
    encoder = encoder_of(model)
    assert furthest(encoder, model) < 1e-5
    assert not is_direct(encoder)


def test_a_router_with_a_route_for_each_side(tmp_path):
    whole = tiny(tmp_path, "bert")
    model = SentenceTransformer(
        modules=[parts.Router.for_query_document([static(whole)], [whole[0], whole[1]])],
        device="cpu",
    )
    encoder = encoder_of(model)
    assert furthest(encoder, model, side="query") < 1e-5
    assert furthest(encoder, model, side="document") < 1e-5
    assert np.abs(encoder.encode_query(["fox"]) - encoder.encode_document(["fox"])).max() > 0.01


def test_a_prompt_that_the_pooling_leaves_out(tmp_path):
    model = tiny(tmp_path, "bert")
    model[1].include_prompt = False
    encoder = encoder_of(model, document_prompt="the brown ")
    assert furthest(encoder, model, prompt="the brown ") < 1e-5
    assert is_direct(encoder, "the brown ")
    without = encoder.encode_document(TEXTS[:1])
    model[1].include_prompt = True
    assert np.abs(encoder.encode_document(TEXTS[:1]) - without).max() > 1e-3


def test_the_first_numbers_of_a_vector(tmp_path):
    model = tiny(tmp_path, "bert")
    encoder = encoder_of(model, truncate_dim=8, normalize=True)
    assert furthest(encoder, model, truncate_dim=8, normalize_embeddings=True) < 1e-5


def test_a_preprocessing_of_its_own_is_used(tmp_path):
    class Shouting(SentenceTransformer):
        def preprocess(self, inputs, **given):
            return super().preprocess([f"quick {text}" for text in inputs], **given)

    model = Shouting(modules=list(tiny(tmp_path, "bert")), device="cpu")
    encoder = encoder_of(model)
    assert furthest(encoder, model) < 1e-5
    assert not is_direct(encoder)
