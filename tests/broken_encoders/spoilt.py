"""What all of them are made of."""

import numpy as np

from retrievo.encode.static import StaticEncoder
from retrievo.encode.texts import as_texts
from retrievo.errors import EncoderError


class Spoilt(StaticEncoder):
    """`texts` and `vectors` of a right encoder, for a subclass to spoil."""

    def encode_query(self, texts):
        return self.vectors(super().encode_query(self.texts(texts)))

    def encode_document(self, texts):
        return self.encode_query(texts)

    def texts(self, texts):
        return as_texts(texts)

    def vectors(self, vectors):
        return vectors

    def encode_spans(self, texts, spans, contexts=None):
        """A span's own words, and a little of all that is around it."""
        made = []
        for text, places in zip(texts, spans, strict=True):
            if any(not 0 <= start <= end <= len(text) for start, end in places):
                raise EncoderError("a span is outside of its text")
            own = self._row(text)
            parts = [self._row(text[start:end]) for start, end in places]
            rows = [row + 0.1 * own if row.any() else row for row in parts]
            made.append(np.array(rows, np.float32).reshape(-1, self.dim))
        return made

    def _row(self, text):
        if not text.strip():
            return np.zeros(self.dim, np.float32)
        return StaticEncoder.encode_document(self, [text])[0]
