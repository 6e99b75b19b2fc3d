"""What broken retrievers share: BM25 with one thing done wrongly."""

from dataclasses import replace

from retrievo.retrieve.bm25 import Bm25Retriever


class Spoilt(Bm25Retriever):
    """BM25 whose lists go through `spoil`."""

    def search(self, queries, depth, filters=None):
        found = super().search(queries, depth, filters) if queries else []
        return [self.spoil(one, query) for one, query in zip(found, queries, strict=True)]

    def spoil(self, found, query):
        return found


def cut(found, keep):
    """The list without what is not in `keep`, a slice or places."""
    return replace(found, rows=found.rows[keep], scores=found.scores[keep])
