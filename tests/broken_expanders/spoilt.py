"""What all of them are made of."""

from dataclasses import replace

from retrievo import Pipeline
from retrievo.types import Query

ENCODER = Pipeline.part("encoder", "static")


class Spoilt:
    """The query with a word and a vector, and another form of it, for a subclass to spoil."""

    def expand(self, query):
        return self.expand_found(Query(query), lambda query, depth: ())

    def expand_found(self, query, first_pass):
        found = first_pass(replace(query, vectors=dict(query.vectors)), 3)
        word = found.chunks[0].text.split()[0] if len(found) else "nothing"
        vector = self.vector(ENCODER.encode_query([query.text or "x"])[0])
        vectors = {**query.vectors, "dense": vector}
        terms = {**query.terms, **self.terms({word: 0.5})}
        first = replace(query, vectors=vectors, terms=terms)
        return self.forms([first, Query(f"{query.text} {word}", 0.5)])

    def vector(self, vector):
        return vector

    def terms(self, terms):
        return terms

    def forms(self, forms):
        return forms
