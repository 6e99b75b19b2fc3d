"""Which codes an index's own vectors can be searched by: measured, not guessed.

The engine itself is measured: a sample of the stored vectors is indexed in each coding, from the
fewest bytes up, and vectors that were held out are searched for.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrievo.contracts import Space
from retrievo.store.local.engine import Engine
from retrievo.store.local.engine_config import Coding, code_bytes
from retrievo.types import Vectors

SAMPLE, QUERIES, DEPTH = 20_000, 200, 10
"""Rows that are drawn, those of them that become queries, and the depth of recall."""

FROM_SMALL: Sequence[Coding] = ("binary", "int4", "int8")


@dataclass(frozen=True, slots=True)
class Choice:
    """A coding with its recall@10, and what was measured for it and for smaller ones."""

    coding: Coding
    recalls: Mapping[Coding, float]
    min_recall: float
    sample: int
    size: int

    def __str__(self) -> str:
        tried = ", ".join(
            f"{name} {recall:.3f} ({code_bytes(name, self.size):.0f} bytes)"
            for name, recall in self.recalls.items()
        )
        return (
            f"compression {self.coding}: recall@{DEPTH} of {self.min_recall:g} was asked for; "
            f"measured among {self.sample} of the index's own vectors: {tried}"
        )


def choose_coding(sample: Vectors, min_recall: float) -> Choice:
    """The coding of the fewest bytes that reaches `min_recall`, else "none".

    `sample` is float32[n, dim]; some of it is held out and becomes the queries.
    """
    held = min(QUERIES, len(sample) // 10)
    order = np.random.default_rng(0).permutation(len(sample))
    queries, rest = sample[order[:held]], sample[order[held:]]
    recalls: dict[Coding, float] = {}
    chosen: Coding = "none"
    best = _exact(rest, queries)
    for coding in FROM_SMALL:
        recalls[coding] = _recall(coding, rest, queries, best)
        if recalls[coding] >= min_recall:
            chosen = coding
            break
    return Choice(chosen, recalls, min_recall, len(rest), sample.shape[1])


def _exact(vectors: Vectors, queries: Vectors) -> list[float]:
    """The score of the last of the best, for each query."""
    depth = min(DEPTH, len(vectors))
    last = []
    for query in queries:
        scores = vectors @ query
        last.append(float(np.partition(scores, -depth)[-depth]))
    return last


def _recall(coding: Coding, vectors: Vectors, queries: Vectors, last: Sequence[float]) -> float:
    """The share of what a search by codes finds that scores as high as the exact best."""
    depth = min(DEPTH, len(vectors))
    with tempfile.TemporaryDirectory(prefix="retrievo-") as folder:
        engine = Engine(
            Path(folder) / "v", {"v": Space("dense", vectors.shape[1])}, create=True, coding=coding
        )
        try:
            engine.upsert(np.arange(len(vectors), dtype=np.int64), {"v": vectors})
            engine.encode()
            found = engine.search("v", list(queries), depth)
        finally:
            engine.close()
    # The same product is rounded in another order here and there.
    shares = [
        float((scores >= least - 1e-5 * max(1.0, abs(least))).sum()) / depth
        for (_, scores), least in zip(found, last, strict=True)
    ]
    return float(np.mean(shares)) if shares else 1.0
