"""Small pipelines to index with, and all that an index holds."""

import numpy as np
from pipelines import CountingEncoder

from retrievo import Pipeline


def small(**parts):
    chunker = Pipeline.part("chunker", use="recursive", chunk_size=12, chunk_overlap=0)
    return {"chunker": chunker, "encoder": CountingEncoder(), **parts}


def everything(pipeline):
    """Every chunk with its vector, without row numbers."""
    store = pipeline.store
    found = {}
    for rows in store.scan():
        vectors = np.asarray(store.vectors("dense", rows))
        for chunk, vector in zip(store.get(rows), vectors, strict=True):
            found[chunk.id] = (chunk, vector.tobytes())
    return found
