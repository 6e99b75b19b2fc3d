"""What all of them are made of."""

from retrievo.encode.static import StaticEncoder
from retrievo.encode.texts import as_texts


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
