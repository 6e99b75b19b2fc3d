"""Documents, vectors and filters for the store contract: small, seeded, of awkward kinds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrievo.contracts import Batch, Space
from retrievo.filters import F, Filter
from retrievo.passport import Passport
from retrievo.types import Chunk, Document, Representation, SparseRows

DIM = 8
SPACES = {"dense": Space("dense", DIM), "lexical": Space("sparse")}
PASSPORT = Passport({"name": "fake", "fingerprint": "f", "dim": DIM}, {"name": "whole"}, "", SPACES)

METADATA: list[dict[str, Any]] = [
    {"year": 2019, "lang": "en", "tags": ["a", "b"], "open": True},
    {"year": 2020, "lang": "de", "tags": [], "open": False, "deep": {"key": 1}},
    {"year": 2020.0, "lang": "en", "tags": ["b"], "day": "2020-05-01"},
    {"lang": None, "note": 'quote " and \\ and \u2603'},
    {},
    {"year": "2020", "tags": "ab", "open": 1},
]
FILTERS: list[Filter] = [
    F("year") == 2020,
    F("year") != 2020,
    F("year") >= 2020,
    F("year") < 2020,
    F("open") == True,  # noqa: E712
    F("open") == 1,
    F("lang").is_in(["en", "fr"]),
    F("tags").contains("b"),
    F("lang").exists(),
    ~F("lang").exists(),
    F("deep.key") == 1,
    (F("year") >= 2019) & ~(F("lang") == "de"),
    (F("lang") == "de") | (F("tags").contains("a")),
    F("doc_id") == "d1",
    F("nothing") == "x",
]


def batch_of(
    documents: Sequence[Document], seed: int = 0, chunks_each: int = 1, fingerprint: str = "1"
) -> Batch:
    """Documents cut into equal parts, with seeded unit vectors and small sparse rows."""
    items = []
    for document in documents:
        size = max(1, -(-len(document.text) // chunks_each))
        cuts = list(range(0, max(1, len(document.text)), size))
        items.append(
            (
                document,
                [
                    Chunk(
                        document.id,
                        document.text[at : at + size],
                        at,
                        min(at + size, len(document.text)),
                        metadata=document.metadata,
                    )
                    for at in cuts
                ],
            )
        )
    n = sum(len(chunks) for _, chunks in items)
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, DIM)).astype(np.float32)
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    rows = [np.unique(rng.integers(0, 20, size=4)) for _ in range(n)]
    sparse = SparseRows(
        np.cumsum([0, *map(len, rows)]).astype(np.int64),
        np.concatenate([*rows, np.empty(0)]).astype(np.uint32),
        np.concatenate([rng.random(len(row)) for row in rows] + [np.empty(0)]).astype(np.float32),
        np.full(n, 4, np.float32),
        4.0,
    )
    fresh = np.full(n, -1, np.int64)
    values: dict[str, Representation] = {"dense": dense, "lexical": sparse}
    return Batch(items, [fingerprint] * len(items), values, fresh)


def documents(n: int) -> list[Document]:
    return [
        Document(f"d{i}", f"text number {i} " * 3, METADATA[i % len(METADATA)]) for i in range(n)
    ]


def one_query(indices: Sequence[int], weights: Sequence[float]) -> SparseRows:
    return SparseRows(
        np.array([0, len(indices)], np.int64),
        np.array(indices, np.uint32),
        np.array(weights, np.float32),
    )
