"""Documents of a dozen words with random vectors, and their weights from the definition."""

from itertools import pairwise

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

WORDS = "? the key vault token moon bread oven flour river glacier parrot".split()
DIM = 6


def tokenizer(words=WORDS):
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="?"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made.to_str()


def documents(n, seed=3):
    draw = np.random.default_rng(seed)
    texts = [" ".join(draw.choice(WORDS[1:], draw.integers(1, 15))) for _ in range(n)]
    vectors = draw.standard_normal((n, DIM)).astype(np.float32)
    return np.arange(100, 100 + n), texts, vectors


def weighted(statistics, text):
    """A document's weights over all columns, from the definition."""
    ids = [WORDS.index(word) if word in WORDS else 0 for word in text.lower().split()]
    made = np.zeros(statistics.counter.columns)
    for one in set(ids):
        made[one] = ids.count(one) ** 0.5
    total = made.sum()
    pairs = [one * len(WORDS) + other for one, other in pairwise(ids)]
    for at, pair in enumerate(statistics.counter.pairs.tolist()):
        made[len(WORDS) + at] = pairs.count(pair) ** 0.5
    return made / total


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
