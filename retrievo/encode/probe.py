"""What tells two models apart without running them: their weights, and what they make of a text."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

PROBE = (
    "The Quick brown fox, 3.14 km/h; naïve façade — Straße? ΑΒΓ привет 日本語 한국어 שלום مرحبا "
    "def f(x): return x_1 != 'a'\n\t🙂"
)
"""A text whose tokens show case, accents, scripts, digits and white space treated otherwise."""

_SAMPLES = 256


def fingerprint_of(
    weights: Iterable[tuple[tuple[int, ...], str, npt.NDArray[np.uint8]]],
    settings: Mapping[str, Any],
) -> str:
    """32 hex digits of weights, as (shape, dtype, bytes) in the model's order, and of settings.

    Of each tensor a checksum of all its bytes counts and 256 evenly spaced values, so that any
    changed weight shows, at the speed of memory. Names do not count: they change with the
    versions of libraries.
    """
    told = json.dumps(settings, sort_keys=True, ensure_ascii=False, default=str)
    digest = hashlib.blake2b(told.encode(), digest_size=16)
    for shape, dtype, data in weights:
        digest.update(f"{shape} {dtype}".encode())
        words = data[: data.size - data.size % 8].view(np.uint64)
        # Sums of whole numbers wrap around and are the same in any order of addition.
        for part in (words, data[words.size * 8 :]):
            digest.update(np.add.reduce(part, dtype=np.uint64).tobytes())
        if words.size:
            at = np.linspace(0, words.size - 1, min(words.size, _SAMPLES)).astype(np.int64)
            digest.update(words[at].tobytes())
    return digest.hexdigest()
