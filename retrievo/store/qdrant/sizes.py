"""Counts and sizes of an index, as far as the server tells them."""

from qdrant_client import models

from retrievo.contracts import RepresentationStats, Space, StoreStats
from retrievo.store.qdrant.conditions import visible
from retrievo.store.qdrant.counting import Counts
from retrievo.store.qdrant.sending import Server

_BITS = {"float32": 32, "int8": 8, "binary": 1}


def stats_of(server: Server, spaces: dict[str, Space], counts: Counts) -> StoreStats:
    """What `Store.stats` tells; a server says nothing of bytes, so those are computed or None."""
    info = server.ask("reading the collection", "get_collection")
    indexed = info.indexed_vectors_count or 0
    dense = info.config.params.vectors if isinstance(info.config.params.vectors, dict) else {}
    told = {}
    for name, space in spaces.items():
        has = models.HasVectorCondition(has_vector=name)
        n = counts.count(visible(None, has))
        if space.kind == "sparse":
            told[name] = RepresentationStats(space.kind, n)
            continue
        coding = _coding(dense[name].quantization_config)
        told[name] = RepresentationStats(
            space.kind,
            n,
            coding,
            coded=0 if coding == "float32" else min(n, indexed),
            graph=indexed > 0,
            # Of several vectors a row, one.
            bytes_a_vector=(space.size or 0) * _BITS[coding] / 8,
        )
    return StoreStats(
        counts.documents(),
        counts.chunks(),
        counts.tenants(),
        told,
        notes=(
            f"status {info.status.value}, {info.segments_count} segments, {indexed} vectors of all "
            "representations together are indexed",
            "the server compacts and codes by itself; it tells no sizes",
        ),
    )


def _coding(quantization: object) -> str:
    if isinstance(quantization, models.ScalarQuantization):
        return "int8"
    return "binary" if isinstance(quantization, models.BinaryQuantization) else "float32"
