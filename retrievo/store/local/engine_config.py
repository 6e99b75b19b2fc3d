"""How the engine keeps vectors at which size: float32, then codes, then codes and a graph.

Codes are TurboQuant's (Zandieh et al. 2025): the vector is rotated, then each number is rounded to
8, 4 or 1 bits. The rotation spreads what stands out, so vectors with outlier dimensions or of
different lengths keep their order; plain int8 with one range for all numbers loses it (recall@10
down to .54 for queries that are no unit vectors, .84 with a dimension that stands out). What the
codes find is scored again with the float32 vectors.

The graph is HNSW (Malkov and Yashunin 2018). A collection of 200,000 MiniLM vectors took 66 to 143
CPU seconds to link, and saves some milliseconds a query: below `GRAPH_ABOVE` codes are scanned.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import qdrant_edge as edge

from retrievo.contracts import Space

Coding = Literal["int8", "int4", "binary", "none"]

QUANTIZE_ABOVE = 5_000
"""Rows: below that, a float scan costs less than .4 ms at 384 dimensions and codes gain nothing."""

GRAPH_ABOVE = 100_000
"""Rows: below that, linking costs more than a day's queries save, and a scan misses nothing."""

GRAPH_LINKS, GRAPH_CANDIDATES = 16, 160
"""Links a vector, and candidates looked at for them: HNSW's m and ef_construct."""

LOOK_AT = 320
"""Least number of candidates that a search in the graph keeps (HNSW's ef)."""

OVERSAMPLING: Mapping[str, float] = {"int8": 2.0, "int4": 3.0, "binary": 16.0, "none": 1.0}
"""How many candidates are scored with their float vectors for each result asked for."""

OLD_OVERSAMPLING = 2.0
"""For codes that an earlier version made, until they are made again."""

_BITS = {
    "int8": edge.TurboQuantBitSize.Bits8,
    "int4": edge.TurboQuantBitSize.Bits4,
    "binary": edge.TurboQuantBitSize.Bits1,
}
_NAMES = {"bits8": "int8", "bits4": "int4", "bits1": "binary"}
_NEVER_KB = 2**40
"""A segment may grow to any size: two graphs cost nearly twice the search of one."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the vectors are kept: with a graph or not, and the coding of each dense representation.

    `codings` has "scalar" for the int8 codes that Retrievo 0.1 made.
    """

    graph: bool
    codings: Mapping[str, str]


def layout_on_disk(path: Path) -> Layout:
    """What the shard in the folder was last told; its segments follow at the next compaction."""
    kept = json.loads((path / "edge_config.json").read_text(encoding="utf-8"))
    dense = {
        name: vector
        for name, vector in (kept.get("vectors") or {}).items()
        if not vector.get("multivector_config")
    }
    links = [(vector.get("hnsw_config") or {}).get("m", 0) for vector in dense.values()]
    return Layout(
        any(links),
        {name: coding_of(vector.get("quantization_config")) for name, vector in dense.items()},
    )


def compacts_all(path: Path) -> bool:
    """Whether the shard in the folder was last told to leave nothing as it is."""
    kept = json.loads((path / "edge_config.json").read_text(encoding="utf-8"))
    return bool((kept.get("optimizers") or {}).get("vacuum_min_vector_number") == 1)


def coding_of(config: Mapping[str, Any] | None) -> str:
    """The name of a coding as the engine's files have it."""
    if not config:
        return "none"
    kind, told = next(iter(config.items()))
    if kind in ("turbo", "turboquant", "turbo_quant"):
        return _NAMES.get(str(told.get("bits", "bits4")), kind)
    return str(kind)


def code_bytes(coding: str, size: int) -> float:
    """Of one vector: its numbers, rounded up to bytes, and the factors that belong to them."""
    bits, factors = {"int8": (8, 4), "int4": (4, 8), "binary": (1, 8)}.get(coding, (8, 4))
    return float((size * bits + 7) // 8 + factors)


def shard_config(
    spaces: Mapping[str, Space], layout: Layout, *, compact_all: bool = False
) -> edge.EdgeConfig:
    """The shard's configuration; with `compact_all` the next compaction leaves nothing as it is."""
    dense = {
        name: edge.EdgeVectorParams(
            size=space.size or 0,
            distance=edge.Distance.Dot,
            quantization_config=_quantization(layout.codings.get(name, "none")),
            hnsw_config=_index(layout.graph),
        )
        for name, space in spaces.items()
        if space.kind == "dense"
    }
    multi = {
        name: edge.EdgeVectorParams(
            size=space.size or 0,
            distance=edge.Distance.Dot,
            multivector_config=edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
            hnsw_config=_index(False),
        )
        for name, space in spaces.items()
        if space.kind == "multi"
    }
    sparse = {
        name: edge.EdgeSparseVectorParams()
        for name, space in spaces.items()
        if space.kind == "sparse"
    }
    widest = max((space.size or 0 for space in spaces.values()), default=0)
    return edge.EdgeConfig(
        vectors={**dense, **multi} or None,
        sparse_vectors=sparse or None,
        optimizers=edge.EdgeOptimizersConfig(
            default_segment_number=1,
            max_segment_size=_NEVER_KB,
            indexing_threshold=1 if compact_all else threshold_kb(widest),
            deleted_threshold=1e-9 if compact_all else 0.2,
            vacuum_min_vector_number=1 if compact_all else 1000,
        ),
        # Handing a search of a millisecond to other threads costs a quarter of it in CPU time, and
        # no throughput was gained with 4 callers on 2 cores.
        max_search_threads=1,
        wal_enabled=False,
    )


def threshold_kb(widest: int) -> int:
    """From which size on a segment gets codes: that of `QUANTIZE_ABOVE` float vectors."""
    return max(1, QUANTIZE_ABOVE * max(widest, 64) * 4 // 1024)


def _index(graph: bool) -> edge.HnswIndexConfig:
    # Without links, all codes are scanned.
    m, candidates = (GRAPH_LINKS, GRAPH_CANDIDATES) if graph else (0, 4)
    return edge.HnswIndexConfig(m=m, ef_construct=candidates, full_scan_threshold=10)


def _quantization(coding: str) -> Any:
    if coding == "none":
        return None
    return edge.TurboQuantQuantizationConfig(bits=_BITS[cast(Coding, coding)])
