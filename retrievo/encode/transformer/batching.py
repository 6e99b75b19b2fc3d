"""Batches of texts of nearly equal length, so that little is computed for padding."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]

_SLAB = 4_000_000
"""Characters that are tokenized at a time: the ids of many texts are larger than the texts."""


def token_batches(lengths: Sequence[int] | npt.NDArray[np.int64], budget: int) -> list[Places]:
    """Places of the texts in batches, the longest texts first.

    The number of texts times the longest of them stays within `budget` tokens, padding included; a
    text that is longer than the budget is a batch of its own. Every place is in one batch, equal
    lengths keep their order.
    """
    counts = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-counts, kind="stable")
    batches: list[Places] = []
    start = 0
    while start < len(order):
        longest = max(1, int(counts[order[start]]))
        end = start + max(1, budget // longest)
        batches.append(order[start:end])
        start = end
    return batches


def slabs(texts: Sequence[str], characters: int = _SLAB) -> Iterator[Sequence[str]]:
    """The texts in parts of at most so many characters, in order; a longer text is one by itself.

    Within a part texts are sorted by their tokens: it holds thousands of passages, so that little
    is lost at its end.
    """
    start = size = 0
    for place, text in enumerate(texts):
        if place > start and size + len(text) > characters:
            yield texts[start:place]
            start, size = place, 0
        size += len(text)
    if start < len(texts):
        yield texts[start:]
