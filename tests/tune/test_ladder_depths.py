"""The states that all points are trained from are those at which a cut model ends."""

import pytest

pytest.importorskip("sentence_transformers", reason="needs the extra 'models'")

import numpy as np
import torch
from tiny_transformers import MODELS, tiny

from retrievo.encode.matryoshka.depth import at_depth
from retrievo.tune.ladder_depths import Depths, final_norm

TEXTS = ["the quick brown fox jumps", "a lazy dog"]


@pytest.mark.parametrize("kind", MODELS)
def test_each_depth_is_that_of_the_cut_model(kind, tmp_path):
    model = tiny(tmp_path, kind)
    assert (final_norm(model) is None) == (MODELS[kind][2] is None)
    with torch.no_grad():
        vectors = Depths(model, [1, 3])(model.preprocess(TEXTS))
    assert sorted(vectors) == [1, 3, 4]
    for layers, made in vectors.items():
        wanted = at_depth(model, layers).encode(TEXTS)
        assert np.abs(made.numpy() - wanted).max() < 1e-5
