"""Layers of BERT in fewer steps: the same numbers, and only where a layer is what it seems."""

import copy

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from tiny_transformers import MODELS, tiny

from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.transformer.fused import FusedLayer, fused

if not torch.backends.mkl.is_available():
    pytest.skip("fused layers are for x86 processors", allow_module_level=True)

TEXTS = ["the quick fox", "a lazy dog jumps over a brown fox", "a"]
FUSED = {"bert", "camembert", "electra", "roberta", "xlm-roberta"}


def layers_of(model):
    return model[0].auto_model.encoder.layer


@pytest.mark.parametrize("kind", MODELS)
def test_the_architectures_that_have_such_layers(kind, tmp_path):
    model = tiny(tmp_path, kind)
    weights = copy.deepcopy(model.state_dict())
    encoder = SentenceEncoder(model, cache="off")
    made = encoder.encode_document(TEXTS)
    assert encoder._forward.is_fused == (kind in FUSED)
    assert np.abs(made - model.encode(TEXTS)).max() < 1e-5
    # The model that was given is as it was.
    assert not any(isinstance(module, FusedLayer) for module in model.modules())
    assert all(one.is_contiguous() for one in model.parameters())
    assert all(torch.equal(one, weights[name]) for name, one in model.state_dict().items())


def test_shared_weights_are_kept_once_and_equal(tmp_path):
    model = tiny(tmp_path, "bert")
    weights = copy.deepcopy(model.state_dict())
    vectors = model.encode(TEXTS)
    twin = fused(model, share=True)
    for layer, made in zip(layers_of(model), layers_of(twin), strict=True):
        part = layer.attention.self.key.weight.untyped_storage().data_ptr()
        assert part == made._asked[0].untyped_storage().data_ptr()
    assert all(torch.equal(one, weights[name]) for name, one in model.state_dict().items())
    np.testing.assert_allclose(model.encode(TEXTS), vectors, atol=1e-6)
    np.testing.assert_allclose(twin.encode(TEXTS), vectors, atol=1e-5)


@pytest.mark.parametrize("change", ["hook", "eager", "bfloat16", "decoder", "adapter"])
def test_layers_that_do_more_are_left(change, tmp_path):
    model = tiny(tmp_path, "bert")
    assert fused(model, share=False) is not None
    if change == "eager":
        model[0].auto_model.config._attn_implementation = "eager"
    if change == "bfloat16":
        model.bfloat16()
    for layer in layers_of(model):
        if change == "hook":
            layer.output.register_forward_hook(lambda module, given, made: made * 2)
        if change == "decoder":
            layer.is_decoder = True
        if change == "adapter":
            dense = layer.output.dense
            layer.output.dense = torch.nn.Sequential(dense, torch.nn.Identity())
    assert fused(model, share=False) is None


def test_a_layer_with_a_forward_of_its_own_runs_as_it_is(tmp_path):
    model = tiny(tmp_path, "bert")

    class Scaled(type(layers_of(model)[0])):
        def forward(self, states, *given, **named):
            return super().forward(states * 1.5, *given, **named)

    for layer in layers_of(model):
        layer.__class__ = Scaled
    encoder = SentenceEncoder(model, cache="off")
    made = encoder.encode_document(TEXTS)
    assert not encoder._forward.is_fused
    assert np.abs(made - model.encode(TEXTS)).max() < 1e-5
