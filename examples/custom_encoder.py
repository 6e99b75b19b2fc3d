"""A plain object as the encoder: no base class, no registration.

It counts letters, which is no good encoder, but has all that one needs: `dim`, `max_tokens`,
`fingerprint`, `encode_query` and `encode_document`.
"""

from collections.abc import Sequence

import numpy as np

from retrievo import Document, Pipeline


class LetterEncoder:
    dim = 26
    max_tokens = None
    fingerprint = "letters-1"  # change it whenever the vectors of some text change

    def encode_document(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32[len(texts), 26]; a text without letters gives a zero row."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    vectors[row, ord(letter) - ord("a")] += 1
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12)

    encode_query = encode_document


with Pipeline(encoder=LetterEncoder()) as pipeline:
    pipeline.index([Document("zoo", "zebras, lynxes and foxes"), Document("sea", "seals, eels")])
    hits = pipeline.search("lazy foxes", top_k=2)
    print([hit.doc_id for hit in hits])
    print(hits[0].explain())
