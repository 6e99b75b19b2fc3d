"""Encoders whose rows are wrong, or that take or give what they should not."""

import time

import numpy as np

from broken_encoders.spoilt import Spoilt
from retrievo.encode.texts import as_texts

# What comes back


class GivesDoubles(Spoilt):
    def vectors(self, vectors):
        return vectors.astype(np.float64)


class GivesTooFewNumbers(Spoilt):
    def vectors(self, vectors):
        return vectors[:, :-1]


class GivesLists(Spoilt):
    def vectors(self, vectors):
        return vectors.tolist()


class HasNoRoom(Spoilt):
    max_tokens = 2
    special_tokens = 2


class GivesAllTheSame(Spoilt):
    def vectors(self, vectors):
        return np.ones_like(vectors)


class IsNoisy(Spoilt):
    def vectors(self, vectors):
        noise = np.random.default_rng().normal(size=vectors.shape)
        return vectors + noise.astype(np.float32) * np.float32(1e-6)


class GivesNaN(Spoilt):
    def vectors(self, vectors):
        fourth = np.arange(len(vectors))[:, None] == 3
        return np.where(fourth, np.nan, vectors).astype(np.float32)


class SharesItsBuffer(Spoilt):
    """Answers in one array, which the next call overwrites."""

    buffer = np.zeros((256, 256), np.float32)

    def vectors(self, vectors):
        self.buffer[: len(vectors)] = vectors
        return self.buffer[: len(vectors)]


class KeepsBetweenSteps(Spoilt):
    """Keeps the call's texts on itself, where another thread puts its own."""

    def encode_query(self, texts):
        self.kept = as_texts(texts)
        time.sleep(0.002)
        return super().encode_query(self.kept)


# Order and batches


class ForgetsToRestore(Spoilt):
    def texts(self, texts):
        return sorted(as_texts(texts), key=len)


class RestoresBigBatchesWrongly(Spoilt):
    """Takes the order for its inverse: right for few texts by luck, or because none is sorted."""

    def encode_query(self, texts):
        texts = as_texts(texts)
        if len(texts) <= 32:
            return super().encode_query(texts)
        order = np.argsort([len(text) for text in texts], kind="stable")
        return super().encode_query([texts[at] for at in order])[order]


class Centres(Spoilt):
    def vectors(self, vectors):
        return vectors - vectors.mean(axis=0) if len(vectors) else vectors


class ForgetsRepeats(Spoilt):
    """Encodes each text once, and fills in only the first of its rows."""

    def encode_query(self, texts):
        texts = as_texts(texts)
        first = {text: row for row, text in reversed(list(enumerate(texts)))}
        vectors = np.zeros((len(texts), self.dim), np.float32)
        vectors[list(first.values())] = super().encode_query(list(first))
        return vectors


# What is given


class WantsAList(Spoilt):
    def texts(self, texts):
        if not isinstance(texts, list):
            raise TypeError("a list of str is wanted")
        return as_texts(texts)


class ReadsTwice(Spoilt):
    """A generator is empty the second time."""

    def encode_query(self, texts):
        if isinstance(texts, str):
            raise TypeError("a str")
        n = sum(1 for _ in texts)
        vectors = np.zeros((n, self.dim), np.float32)
        rest = list(texts)
        vectors[: len(rest)] = super().encode_query(rest)
        return vectors


class TakesAStr(Spoilt):
    def texts(self, texts):
        return list(texts)


class TakesAnything(Spoilt):
    def texts(self, texts):
        return as_texts(texts if isinstance(texts, str) else [str(text) for text in texts])


class SaysNotWhich(Spoilt):
    def texts(self, texts):
        texts = list(texts) if not isinstance(texts, str) else as_texts(texts)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("all texts must be str")
        return texts


class SortsInPlace(Spoilt):
    def encode_query(self, texts):
        if isinstance(texts, list):
            texts.sort(key=len)
        return super().encode_query(texts)
