"""Documents, vectors and queries for the store contract: small, seeded, of awkward kinds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Batch, Space
from retrievo.passport import Passport
from retrievo.testing.stores.metadata import METADATA
from retrievo.types import Chunk, Document, MultiRows, Representation, SparseRows

SPACES: dict[str, Space] = {
    "dense": Space("dense", 8),
    "titles": Space("dense", 3),
    "lexical": Space("sparse"),
    "tokens": Space("multi", 4),
}
CONFIG: dict[str, Any] = {"tables": {"encoder": {"use": "fake", "ranks": [1, 2.5, None, True]}}}
FITTED_MEAN = 4.0
INDICES = np.array([*range(19), 2**32 - 2], np.uint32)
"""Of the sparse rows: few, so that they often meet, and one that is no int32."""


def spaces_for(capabilities: frozenset[str], *, idf: bool = False) -> dict[str, Space]:
    """The spaces of SPACES that a store with these capabilities keeps; dense ones always."""
    return {
        name: replace(space, idf=idf and space.kind == "sparse")
        for name, space in SPACES.items()
        if space.kind == "dense" or space.kind in capabilities
    }


def passport_of(spaces: dict[str, Space], fingerprint: str = "f") -> Passport:
    encoder = {"name": "fake", "fingerprint": fingerprint, "dim": 8, "model": "été"}
    return Passport(encoder, {"name": "whole"}, "", spaces)


def documents(n: int) -> list[Document]:
    """d0, d1, …, each with the next of METADATA."""
    return [
        Document(f"d{i}", f"text number {i} " * 3, METADATA[i % len(METADATA)]) for i in range(n)
    ]


def chunks_of(document: Document, n: int = 1) -> list[Chunk]:
    """The document in at most `n` pieces; every second one has all that a chunk can have."""
    size = max(1, -(-len(document.text) // n))
    cuts = range(0, max(1, len(document.text)), size)
    plain = [
        Chunk(document.id, document.text[at : at + size], at, min(at + size, len(document.text)),
              metadata=document.metadata)
        for at in cuts
    ]  # fmt: skip
    return [
        chunk
        if not place % 2
        else replace(
            chunk,
            token_count=place,
            metadata={**document.metadata, "part": place},
            context="Title > part",
            parent=(0, len(document.text)),
            truncated=(place, 3 * place),
        )
        for place, chunk in enumerate(plain)
    ]


def values_of(space: Space, n: int, draw: np.random.Generator) -> Representation:
    """N rows: vectors that are no unit vectors, one in ten of them without any value."""
    if space.kind == "dense":
        vectors = draw.normal(size=(n, space.size or 0)).astype(np.float32)
        vectors[draw.random(n) < 0.1] = 0
        return vectors
    if space.kind == "multi":
        sizes = draw.integers(0, 5, size=n)
        vectors = draw.normal(size=(int(sizes.sum()), space.size or 0)).astype(np.float32)
        return MultiRows(_bounds(sizes), vectors)
    rows = [np.unique(draw.choice(INDICES, size=draw.integers(0, 6))) for _ in range(n)]
    sizes = np.array([len(row) for row in rows], np.int64)
    values = (draw.random(int(sizes.sum())) + 0.1).astype(np.float32)
    indices = np.concatenate([np.empty(0, np.uint32), *rows]).astype(np.uint32)
    lengths = (sizes + draw.integers(0, 3, size=n)).astype(np.float32)
    return SparseRows(_bounds(sizes), indices, values, lengths, FITTED_MEAN)


def queries_of(space: Space, n: int, draw: np.random.Generator) -> Representation:
    """N queries that each have a value; those of several vectors have one to three."""
    if space.kind == "dense":
        return draw.normal(size=(n, space.size or 0)).astype(np.float32)
    if space.kind == "multi":
        sizes = draw.integers(1, 4, size=n)
        vectors = draw.normal(size=(int(sizes.sum()), space.size or 0)).astype(np.float32)
        return MultiRows(_bounds(sizes), vectors)
    rows = [np.unique(draw.choice(INDICES, size=draw.integers(1, 6))) for _ in range(n)]
    return sparse_rows([dict.fromkeys(row.tolist(), 0.0) for row in rows], draw)


def everything_of(space: Space) -> Representation:
    """One query that finds every row that has a value."""
    if space.kind == "dense":
        return np.ones((1, space.size or 0), np.float32)
    if space.kind == "multi":
        return MultiRows(np.array([0, 1], np.int64), np.ones((1, space.size or 0), np.float32))
    return sparse_rows([dict.fromkeys(INDICES.tolist(), 1.0)])


def sparse_rows(
    rows: Sequence[dict[int, float]], draw: np.random.Generator | None = None
) -> SparseRows:
    """Rows of {index: value}, indices in ascending order; values drawn where `draw` is given."""
    sizes = np.array([len(row) for row in rows], np.int64)
    values = np.array([row[i] for row in rows for i in sorted(row)], np.float32)
    if draw is not None:
        values = (draw.random(len(values)) + 0.1).astype(np.float32)
    indices = np.array([i for row in rows for i in sorted(row)], np.uint32)
    return SparseRows(_bounds(sizes), indices, values)


def batch_of(
    items: Sequence[tuple[Document, list[Chunk]]],
    spaces: dict[str, Space],
    *,
    seed: int = 0,
    fingerprint: str = "1",
    tenant: str | None = None,
) -> Batch:
    """A batch in which every chunk is new, with seeded values."""
    draw = np.random.default_rng(seed)
    n = sum(len(chunks) for _, chunks in items)
    values = {name: values_of(space, n, draw) for name, space in spaces.items()}
    reuse = np.full(n, -1, np.int64)
    return Batch(list(items), [fingerprint] * len(items), values, reuse, tenant)


def cut(docs: Sequence[Document], chunks_each: int = 1) -> list[tuple[Document, list[Chunk]]]:
    return [(document, chunks_of(document, chunks_each)) for document in docs]


def _bounds(sizes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
