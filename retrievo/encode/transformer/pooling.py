"""A model's modules before its pooling and behind it: token states here, a text's vector there."""

import copy
from typing import Any

from sentence_transformers import SentenceTransformer

try:
    from sentence_transformers.sentence_transformer.modules import Pooling
except ImportError:  # before version 6
    from sentence_transformers.models import Pooling


def place_of(model: SentenceTransformer) -> int | None:
    """Which of the model's modules pools; None unless it is one."""
    places = [i for i, module in enumerate(model.children()) if isinstance(module, Pooling)]
    return places[0] if len(places) == 1 else None


def pooling_of(model: SentenceTransformer) -> Any:
    """The module that pools; None unless there is one."""
    place = place_of(model)
    return None if place is None else list(model.children())[place]


def before_pooling(model: SentenceTransformer) -> SentenceTransformer:
    """A twin of the model that ends before its pooling, and shares all else with it."""
    twin = copy.copy(model)
    names = list(model._modules)[: place_of(model)]
    vars(twin)["_modules"] = {name: model._modules[name] for name in names}
    vars(twin)["_compiled_call_impl"] = None  # compiled, it is the whole original
    return twin


def behind_pooling(model: SentenceTransformer) -> list[Any]:
    """What a pooled vector goes through: dense layers, a normalisation."""
    place = place_of(model)
    return [] if place is None else list(model.children())[place + 1 :]
