"""How the tests of an encoder call it, and texts that they share."""

import random
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from retrievo.contracts import Encoder
from retrievo.errors import RetrievoWarning
from retrievo.types import Vectors

TEXTS = (
    "how do I rotate a key?",
    "Keys are rotated once a quarter, by whoever is on call.",
    "a",
    "The cat sat on the mat. " * 20,
    "日本語のテキスト",
    "def rotate(key): return key[::-1]",
)
VERBS = ("encode_query", "encode_document")

_WORDS = (
    "key vault token rotate moon bread oven flour river glacier parrot engine the of and a is in "
    "quarterly unbelievable 1999 naïve"
).split()


def encode(encoder: Encoder, verb: str, texts: Sequence[str]) -> Vectors:
    """The vectors; that a long text was cut is a warning, and right."""
    return checked(encoder, verb, texts, len(texts))


def checked(encoder: Encoder, verb: str, texts: Iterable[str], n: int) -> Vectors:
    """The vectors of n texts, of which dtype and shape are right."""
    made: Callable[[Iterable[str]], Any] = getattr(encoder, verb)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RetrievoWarning)
        vectors = made(texts)
    assert isinstance(vectors, np.ndarray), f"{verb} gave a {type(vectors).__name__}"
    assert vectors.dtype == np.float32, f"{verb} gave {vectors.dtype}, float32 is wanted"
    assert vectors.shape == (n, encoder.dim), f"{verb} gave the shape {vectors.shape}"
    return vectors


def apart(one: Vectors, other: Vectors) -> float:
    """The largest difference of two numbers; not finite where one of them is not."""
    return float(np.abs(one - other).max(initial=0.0))


def mixed_texts(n: int = 64) -> list[str]:
    """Texts of 1 to 60 words, most of them short, in no order of length; some come twice."""
    draw = random.Random(11)
    sizes = [1 + int(60 * draw.random() ** 5) for _ in range(n - n // 8)]
    texts = [" ".join(draw.choices(_WORDS, k=size)) for size in sizes]
    texts += texts[: n // 8]
    draw.shuffle(texts)
    return texts
