"""Whether vectors of a rounded model are near those of the model it was made of."""

import threading
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from retrievo.errors import EncoderError

TRIED = 16
"""Texts of the user that are encoded by both models."""

MEAN_FROM = 0.99
WORST_FROM = 0.97
"""The least cosine of a text's two vectors, in the mean and of each.

all-MiniLM-L6-v2 in int8, signed and by channel, has .994 in the mean; by tensor, or unsigned, .93.
"""


class Agreement(nn.Module):  # type: ignore[misc]  # torch has no types here
    """The last module of a rounded model: compares its first vectors with the whole model's.

    Raises EncoderError where their cosines are too small, at these texts and ever after. When
    enough texts were compared the whole model is let go.
    """

    forward_kwargs = frozenset({"task", "modality"})  # which a Router asks for

    def __init__(self, whole: SentenceTransformer) -> None:
        super().__init__()
        # In a list, so that its weights are not those of the rounded model.
        self._whole: list[SentenceTransformer] = [whole]
        self._inputs = ("input_ids", "attention_mask", "token_type_ids")
        self._cosines: list[float] = []
        self._one = threading.Lock()

    def forward(self, features: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        with self._one:
            if self._whole:
                self._compare(features, arguments)
        return features

    def _compare(self, features: dict[str, Any], arguments: dict[str, Any]) -> None:
        made = features["sentence_embedding"]
        given = {
            key: value
            for key, value in features.items()
            if key in self._inputs or not isinstance(value, torch.Tensor)
        }
        with torch.inference_mode():
            theirs = self._whole[0](given, **arguments)["sentence_embedding"]
        cosines = torch.nn.functional.cosine_similarity(made.float(), theirs.float(), dim=1)
        self._cosines += cosines.tolist()
        mean, worst = float(np.mean(self._cosines)), float(np.min(self._cosines))
        enough = len(self._cosines) >= TRIED  # the mean of a few says little
        if not (worst >= WORST_FROM and (mean >= MEAN_FROM or not enough)):
            raise EncoderError(
                f"int8 changes this model's vectors: cosine {mean:.4f} in the mean and "
                f"{worst:.4f} at worst on the first {len(self._cosines)} texts, {MEAN_FROM} and "
                f"{WORST_FROM} are wanted; leave dtype out, which computes in float32"
            )
        if enough:
            self._whole.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_one"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._one = threading.Lock()
