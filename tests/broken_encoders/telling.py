"""Encoders that fail on some texts, or say what is not so."""

import warnings

import numpy as np

from broken_encoders.spoilt import Spoilt
from retrievo.encode.texts import as_texts
from retrievo.errors import RetrievoWarning
from retrievo.telling import tell
from retrievo.truncation import record

# Which texts


class DividesByZero(Spoilt):
    def vectors(self, vectors):
        with np.errstate(invalid="ignore"):
            return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class SaysNothingOfEmptyTexts(Spoilt):
    def encode_query(self, texts):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RetrievoWarning)
            return super().encode_query(texts)


class StacksNothing(Spoilt):
    """Leaves empty texts out, and has no array where all are."""

    def encode_query(self, texts):
        vectors = super().encode_query(texts)
        if len(vectors):
            np.stack([row for row in vectors if row.any()])
        return vectors


class RefusesSurrogates(Spoilt):
    def texts(self, texts):
        for text in as_texts(texts):
            text.encode()
        return as_texts(texts)


class AlwaysWarns(Spoilt):
    def vectors(self, vectors):
        if len(vectors):
            tell("texts may have been cut")
        return vectors


class RecordsEverything(Spoilt):
    def texts(self, texts):
        for text in as_texts(texts):
            record(text, len(text), len(text) - 1)
        return as_texts(texts)


class CutsSilently(Spoilt):
    max_tokens = 1_000

    def texts(self, texts):
        return [text[:4_000] for text in as_texts(texts)]


class CutsAndWarns(CutsSilently):
    """Right: for what must stay green."""

    def texts(self, texts):
        if any(len(text) > 4_000 for text in as_texts(texts)):
            tell("a text is cut")
        return super().texts(texts)


class RecordsNoLoss(CutsSilently):
    def texts(self, texts):
        for text in as_texts(texts):
            if len(text) > 4_000:
                record(text, 1_000, 1_000)
        return super().texts(texts)


class RecordsAndNeverWarns(CutsSilently):
    def texts(self, texts):
        for text in as_texts(texts):
            if len(text) > 4_000:
                record(text, len(text), 4_000)
        return super().texts(texts)


class WarnsInsteadOfRecording(CutsAndWarns):
    on_truncate = "warn"


class Overflows(Spoilt):
    """Sums in float16, which ends at 65,504."""

    def encode_query(self, texts):
        vectors = super().encode_query(texts)
        for row, text in enumerate(texts):
            if len(text) > 65_504:
                vectors[row] = np.inf
        return vectors


# What it says of itself


class IsRestless(Spoilt):
    asked = 0

    @property
    def fingerprint(self):
        self.asked += 1
        return str(self.asked)


class IsItsName(Spoilt):
    """Knows its model, and neither its width nor its weights."""

    fingerprint = "wordllama"


class CountsItsBatchSize(Spoilt):
    def __init__(self, batch_size=32):
        super().__init__()
        self.batch_size = batch_size

    @property
    def fingerprint(self):
        return f"wordllama-{self.batch_size}"


class RoundsForSpeed(Spoilt):
    """Another batch size gives other numbers under the same fingerprint."""

    def __init__(self, batch_size=32):
        super().__init__()
        self.batch_size = batch_size

    def vectors(self, vectors):
        return vectors.round(2) if self.batch_size > 32 else vectors


class TellsInNumpy(Spoilt):
    def identity(self):
        return {**super().identity(), "dim": np.int64(self.dim)}


class ClaimsUnitLength(Spoilt):
    def vectors(self, vectors):
        return vectors * np.float32(1.1)


class IgnoresItsPrompts(Spoilt):
    def identity(self):
        return {**super().identity(), "prompts": {"query": "query: ", "document": ""}}


class SpansAreOff(Spoilt):
    def token_spans(self, text):
        return super().token_spans(text) + 1


class SpansOfNothing(Spoilt):
    def token_spans(self, text):
        return super().token_spans(text) if text else np.empty(0, np.int32)
