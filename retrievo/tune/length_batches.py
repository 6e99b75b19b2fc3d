"""Batches of texts of like length, so that little of a batch is padding."""

from collections.abc import Iterator
from typing import Any

import numpy as np

try:
    from sentence_transformers.base.sampler import DefaultBatchSampler
except ImportError:  # before version 6
    from sentence_transformers.sampler import DefaultBatchSampler

_WINDOW = 64
"""Batches that are sorted by length at once: more have less padding, and the same neighbours."""


class LengthBatches(DefaultBatchSampler):  # type: ignore[misc]  # the library has no types
    """Full batches of places in the data set's column `text`, in a random order.

    Texts are shuffled, sorted by their characters within a window of 64 batches, and cut; the
    batches are shuffled again. Each epoch has an order of its own, which the seed decides, and
    leaves another rest out.
    """

    def __init__(self, dataset: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(dataset, *args, **kwargs)
        self._lengths = np.array([len(text) for text in dataset["text"]], np.int64)

    def __len__(self) -> int:
        return len(self._lengths) // int(self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        draw = np.random.default_rng([self.seed, self.epoch])
        size = int(self.batch_size)
        order = draw.permutation(len(self._lengths))[: len(self) * size]
        batches: list[list[int]] = []
        for start in range(0, len(order), _WINDOW * size):
            part = order[start : start + _WINDOW * size]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[at : at + size].tolist() for at in range(0, len(part), size)]
        for place in draw.permutation(len(batches)):
            yield batches[place]
