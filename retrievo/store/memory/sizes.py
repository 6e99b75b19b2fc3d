"""Sizes of a memory store, and how it keeps each representation."""

from itertools import islice

import numpy as np

from retrievo.contracts import Kind, RepresentationStats, StoreStats
from retrievo.store.memory.state import State
from retrievo.types import SparseRows


def stats_of(state: State) -> StoreStats:
    """Bytes are those of vectors and codes; texts and metadata are not counted."""
    coded = state.lookups.coded
    codes = sum(one.codes.array.nbytes for one in coded.values() if one.codes is not None)
    notes = [f"{name!r}: {one.choice}" for name, one in coded.items() if one.choice is not None]
    chunks = islice(state.chunks, len(state))  # a later state may have put more behind them
    cut = [chunk.truncated for chunk in chunks if chunk.truncated is not None]
    return StoreStats(
        sum(map(len, state.documents.values())),
        len(state),
        sum(tenant is not None for tenant in state.documents),
        {name: _representation(state, name) for name in state.kept},
        bytes_in_memory=codes + sum(kept.nbytes() for kept in state.kept.values()),
        notes=tuple(notes),
        truncated=(len(cut), sum(total - seen for seen, total in cut)),
    )


def _representation(state: State, name: str) -> RepresentationStats:
    values, n = state.kept[name].values, len(state)
    coded = state.lookups.coded.get(name)
    if coded is not None and coded.codec is not None and coded.n:
        size = coded.codec.bytes_a_vector
        return RepresentationStats("dense", n, coded.codec.name, coded.n, bytes_a_vector=size)
    if isinstance(values, SparseRows):
        return RepresentationStats("sparse", n)
    kind: Kind = "dense" if isinstance(values, np.ndarray) else "multi"
    vectors = values if isinstance(values, np.ndarray) else values.vectors
    return RepresentationStats(kind, n, bytes_a_vector=4.0 * vectors.shape[1])
