"""Sentence vectors at several depths of a transformer from one forward pass."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from retrievo.encode.matryoshka.depth import at_depth, layer_count
from retrievo.errors import ConfigError

# What decoders and ModernBERT put behind their last layer; a model that is cut keeps it there.
_FINAL_NORMS = ("final_norm", "norm")
_PROBE = ["The quick brown fox.", "It was a dark and stormy night, and the fox slept."]


class Depths:
    """The unit vectors that a model gives at each of `depths` layers.

    They are those of `at_depth(model, layers)`, which is tried on two sentences: raises
    ConfigError where they differ, and for a model whose first module is no transformer.
    """

    def __init__(self, model: SentenceTransformer, depths: Sequence[int]) -> None:
        self.layers = layer_count(model)
        if not hasattr(model[0], "auto_model"):
            raise ConfigError(
                f"the first module of this model is a {type(model[0]).__name__}; a ladder is "
                "trained on a model that begins with its transformer"
            )
        self._depths = sorted(set(depths) | {self.layers})
        self._model = model
        self._norm = final_norm(model)
        self._compare()

    def __call__(self, features: dict[str, Any]) -> dict[int, Tensor]:
        """float[n, dim of the model] by depth, of a batch as the model's preprocessing gives it."""
        first, *rest = list(self._model)
        with _all_states(first):
            made = first(dict(features))
        states = made.pop("all_layer_embeddings")
        vectors = {}
        for depth in self._depths:
            state = made["token_embeddings"]
            if depth < self.layers:
                state = states[depth] if self._norm is None else self._norm(states[depth])
            passed = {**made, "token_embeddings": state}
            for module in rest:
                passed = module(passed)
            vectors[depth] = F.normalize(passed["sentence_embedding"], dim=-1)
        return vectors

    def _compare(self) -> None:
        features = on_device(self._model, self._model.preprocess(_PROBE))
        training = self._model.training
        self._model.eval()
        with torch.no_grad():
            ours = self(features)
            for depth in self._depths:
                cut = at_depth(self._model, depth)(dict(features))["sentence_embedding"]
                worst = float((F.normalize(cut, dim=-1) - ours[depth]).abs().max())
                if worst > 1e-4:
                    raise ConfigError(
                        f"the states that this model hands out after {depth} layers are not those "
                        f"at which a cut model ends (they differ by {worst:.2g}); no ladder can be "
                        "trained for it"
                    )
        self._model.train(training)


def final_norm(model: SentenceTransformer) -> nn.Module | None:
    """The normalisation behind the last layer of the transformer; None where there is none."""
    backbone = model[0].auto_model
    return next(
        (
            found
            for name in _FINAL_NORMS
            if isinstance(found := getattr(backbone, name, None), nn.Module)
        ),
        None,
    )


def on_device(model: SentenceTransformer, features: Any) -> dict[str, Any]:
    """The batch with its tensors where the model is."""
    return {
        key: value.to(model.device) if isinstance(value, Tensor) else value
        for key, value in features.items()
    }


@contextmanager
def _all_states(transformer: Any) -> Iterator[None]:
    config = transformer.auto_model.config
    before = config.output_hidden_states
    config.output_hidden_states = True
    try:
        yield
    finally:
        config.output_hidden_states = before
