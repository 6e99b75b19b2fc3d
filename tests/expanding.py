"""A small index in memory, and what an expander asks of it."""

import numpy as np

from retrievo import Document, Pipeline
from retrievo.retrieve.dense import DenseRetriever
from retrievo.types import Found

BAKERY = [
    Document("oven", "The oven bakes bread. Bread wants a hot oven.", {"tags": ["baking", "heat"]}),
    Document("flour", "Flour and water make dough for bread.", {"tags": ["baking"], "by": "Ada"}),
    Document("keys", "Keys open doors. A door has one lock.", {"tags": ["security"]}),
    Document("vault", "The vault keeps keys behind a locked door.", {"tags": ["security", "heat"]}),
]


def indexed(documents=BAKERY, **parts):
    pipeline = Pipeline(**parts)
    pipeline.index(documents)
    return pipeline


def first_pass(pipeline):
    """The dense branch alone, as a pipeline without others would search."""
    retriever = DenseRetriever(Pipeline.part("encoder", "static"), pipeline.store)

    def find(query, depth):
        [found] = retriever.search([query], depth)
        return Found(pipeline.store.get(found.rows), found.rows, found.scores)

    return find


def finding(pipeline, *names, scores=None):
    """A first pass that finds these documents, in this order; what it was asked is in `asked`."""
    rows = np.concatenate([rows for rows in pipeline.store.document_rows(names)]) if names else []
    rows = np.asarray(rows, np.int64)
    given = np.asarray(scores if scores is not None else [1.0] * len(rows), np.float32)

    def find(query, depth):
        find.asked.append((query, depth))
        return Found(pipeline.store.get(rows[:depth]), rows[:depth], given[:depth])

    find.asked = []
    return find


def nothing(query, depth):
    return Found([], np.empty(0, np.int64), np.empty(0, np.float32))
