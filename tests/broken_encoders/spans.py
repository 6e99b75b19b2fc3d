"""Encoders whose vectors of spans are not those of the spans."""

import numpy as np

from broken_encoders.spoilt import Spoilt


class SkipsEmptySpans(Spoilt):
    def encode_spans(self, texts, spans, contexts=None):
        return [rows[rows.any(axis=1)] for rows in super().encode_spans(texts, spans, contexts)]


class SortsSpans(Spoilt):
    def encode_spans(self, texts, spans, contexts=None):
        return super().encode_spans(texts, [sorted(places) for places in spans], contexts)


class ReadsNothingAround(Spoilt):
    def encode_spans(self, texts, spans, contexts=None):
        return [
            np.array([self._row(text[a:b]) for a, b in places], np.float32).reshape(-1, self.dim)
            for text, places in zip(texts, spans, strict=True)
            if super().encode_spans([text], [places]) is not None
        ]


class TripsOverNul(Spoilt):
    def encode_spans(self, texts, spans, contexts=None):
        found = super().encode_spans(texts, spans, contexts)
        return [
            rows * np.float32("nan") if "\x00" in text else rows
            for text, rows in zip(texts, found, strict=True)
        ]


class TakesAnySpan(Spoilt):
    def encode_spans(self, texts, spans, contexts=None):
        inside = [
            [(min(a, len(text)), min(b, len(text))) for a, b in places]
            for text, places in zip(texts, spans, strict=True)
        ]
        return super().encode_spans(texts, inside, contexts)
