"""Vectors of what a document says of itself: its title, or a value of its metadata."""

import numpy as np

from retrievo.contracts import Encoder, Items
from retrievo.metadata import as_text, value_at
from retrievo.retrieve.vectors import checked_vectors
from retrievo.types import Vectors

TITLE = "title"


def field_vectors(encoder: Encoder, items: Items, field: str) -> Vectors:
    """float32[n, dim], a row for each chunk: of the title, or of the metadata key; zeros without.

    Each different text is encoded once. A key "title" of the metadata stands in for no title.
    """
    texts: list[str] = []
    for document, chunks in items:
        title = document.title.strip() if field == TITLE else ""
        for chunk in chunks:
            texts.append(title or as_text(value_at(chunk.metadata, field)).strip())
    vectors = np.zeros((len(texts), encoder.dim), np.float32)
    different = list(dict.fromkeys(text for text in texts if text))
    if different:
        made = encoder.encode_document(different)
        made = checked_vectors(encoder, made, len(different), encoder.dim)
        place = {text: at for at, text in enumerate(different)}
        for row, text in enumerate(texts):
            if text:
                vectors[row] = made[place[text]]
    return vectors
