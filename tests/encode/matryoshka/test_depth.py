"""Tiny models with random weights, made from their configs; the reference is transformers' own
hidden states, pooled by hand."""

import threading

import numpy as np
import pytest

from retrievo.errors import ConfigError

pytest.importorskip("sentence_transformers", reason="needs the extra models")

import torch
from sentence_transformers import SentenceTransformer
from tiny_transformers import MODELS, parts, tiny

from retrievo.encode.matryoshka.depth import at_depth, layer_count

TEXTS = ["the quick brown fox jumps over a lazy dog", "a dog", "the fox jumps"]


def pooled(model, layers, norm):
    """float32[3, 16]: the mean of the recorded states of one layer over each text's own tokens."""
    backbone, rows = model[0].auto_model, []
    for text in TEXTS:
        ids = model.tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            out = backbone(**ids, output_hidden_states=True)
            state = out.hidden_states[layers]
            if norm and layers < len(out.hidden_states) - 1:  # the last is recorded behind it
                state = getattr(backbone, norm)(state)
        mean = state[0].mean(0)
        rows.append((mean / mean.norm()).numpy())
    return np.stack(rows)


@pytest.mark.parametrize("kind", MODELS)
def test_the_forward_pass_stops_at_the_layer(tmp_path, kind):
    model = tiny(tmp_path, kind)
    whole = model.encode(TEXTS)
    assert layer_count(model) == 4
    calls = []
    layers = next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == 4)
    for at, layer in enumerate(layers):
        layer.register_forward_hook(lambda *_, at=at: calls.append(at))
    for depth in (1, 2, 3):
        cut = at_depth(model, depth)
        calls.clear()
        made = cut.encode(TEXTS)
        assert calls == list(range(depth))
        assert layer_count(cut) == depth
        np.testing.assert_allclose(made, pooled(model, depth, MODELS[kind][2]), atol=1e-5)
    # The original is what it was, and its recorded states are those of each layer, once.
    np.testing.assert_array_equal(model.encode(TEXTS), whole)
    np.testing.assert_allclose(pooled(model, 4, None), whole, atol=1e-5)
    assert model[0].auto_model.config.num_hidden_layers == 4


def test_no_tensor_is_copied_and_the_moved_original_takes_the_cut_along(tmp_path):
    model = tiny(tmp_path, "bert")
    cut = at_depth(model, 2)
    places = {name: tensor.data_ptr() for name, tensor in model.state_dict().items()}
    kept = {name: tensor.data_ptr() for name, tensor in cut.state_dict().items()}
    assert kept.items() < places.items()
    model.double()
    assert {tensor.dtype for tensor in cut.parameters()} == {torch.float64}


def test_all_layers_are_the_model_itself_and_a_cut_can_be_cut(tmp_path):
    model = tiny(tmp_path, "bert")
    assert at_depth(model, 4) is model
    np.testing.assert_array_equal(
        at_depth(at_depth(model, 3), 1).encode(TEXTS), at_depth(model, 1).encode(TEXTS)
    )


def test_two_depths_work_at_once(tmp_path):
    model = tiny(tmp_path, "modernbert")
    depths = {depth: at_depth(model, depth) for depth in (1, 2, 3, 4)}
    alone = {depth: one.encode(TEXTS) for depth, one in depths.items()}
    wrong = []

    def work(depth):
        for _ in range(5):
            if not np.array_equal(depths[depth].encode(TEXTS), alone[depth]):
                wrong.append(depth)

    threads = [threading.Thread(target=work, args=(depth,)) for depth in depths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_saved_cut_is_a_model_of_that_many_layers(tmp_path):
    cut = at_depth(tiny(tmp_path / "bert", "bert"), 2)
    cut.save(str(tmp_path / "cut"))
    again = SentenceTransformer(str(tmp_path / "cut"), device="cpu")
    assert layer_count(again) == 2
    np.testing.assert_allclose(again.encode(TEXTS), cut.encode(TEXTS), atol=1e-6)


def test_both_routes_of_a_router_are_cut(tmp_path):
    query, document = tiny(tmp_path / "q", "bert"), tiny(tmp_path / "d", "distilbert")
    model = SentenceTransformer(modules=[parts.Router.for_query_document([*query], [*document])])
    cut = at_depth(model.eval(), 2)
    for task, one in (("query", query), ("document", document)):
        want = pooled(one, 2, None)
        np.testing.assert_allclose(cut.encode(TEXTS, task=task), want, atol=1e-5)


def test_a_transformer_that_two_routes_share_stays_shared(tmp_path):
    shared = tiny(tmp_path, "bert")
    model = SentenceTransformer(modules=[parts.Router.for_query_document([*shared], [*shared])])
    cut = at_depth(model.eval(), 1)
    both = [route[0].auto_model for route in cut[0].sub_modules.values()]
    assert both[0] is both[1]
    np.testing.assert_allclose(cut.encode_query(TEXTS), pooled(shared, 1, None), atol=1e-5)


def test_routes_that_differ_are_refused(tmp_path):
    query = tiny(tmp_path / "q", "bert", num_hidden_layers=2)
    document = tiny(tmp_path / "d", "bert")
    model = SentenceTransformer(modules=[parts.Router.for_query_document([*query], [*document])])
    with pytest.raises(ConfigError, match=r"2 at 0.sub_modules.query.0.*4 at"):
        layer_count(model)
    static = parts.StaticEmbedding(query.tokenizer.backend_tokenizer, embedding_dim=16)
    mixed = SentenceTransformer(modules=[parts.Router.for_query_document([static], [*document])])
    with pytest.raises(ConfigError, match="route 'query' has none"):
        layer_count(mixed)


def test_what_cannot_be_cut_says_what_was_found(tmp_path):
    model = tiny(tmp_path / "bert", "bert")
    for layers in (0, 5, -1):
        with pytest.raises(ConfigError, match=f"layers is {layers}; this model has 1 to 4"):
            at_depth(model, layers)
    static = parts.StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=16)
    with pytest.raises(ConfigError, match=r"has none \(found: StaticEmbedding"):
        layer_count(SentenceTransformer(modules=[static]))
    model[0].auto_model.config.model_type = "bertoid"
    with pytest.raises(ConfigError, match=r"a BertModel \(model_type 'bertoid'\)"):
        layer_count(model)


def test_a_compiled_graph_is_refused(tmp_path):
    model = tiny(tmp_path, "bert")
    model[0].backend = "onnx"
    with pytest.raises(ConfigError, match="backend 'onnx', which runs one compiled graph"):
        at_depth(model, 2)


def test_an_exchanged_forward_is_refused(tmp_path):
    model = tiny(tmp_path, "bert")
    backbone = model[0].auto_model
    backbone.forward = backbone.forward
    with pytest.raises(ConfigError, match="the forward of its BertModel was exchanged"):
        at_depth(model, 2)
