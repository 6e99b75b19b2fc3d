"""What the engine's own files say of how the vectors are kept: codes, graph, sizes.

The engine tells how many vectors it has indexed, deleted ones and all representations together; so
its segments are asked, each a folder with a `segment.json`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrievo.contracts import RepresentationStats, Space
from retrievo.store.local.engine_config import code_bytes, coding_of


@dataclass(frozen=True, slots=True)
class Part:
    """One representation in one segment: rows alive, None where unknown, and dead ones."""

    coding: str
    graph: bool
    rows: int | None
    dead: int = 0


def parts(path: Path, representation: str) -> list[Part]:
    """Of each segment of the shard in the folder that has the representation."""
    found = []
    for folder, config in _segments(path):
        vector = config.get("vector_data", {}).get(representation)
        if vector is not None:
            storage = folder / f"vector_storage-{representation}"
            coded = (storage / "quantized.config.json").exists()
            index = vector.get("index", {})
            links = index.get("type") == "hnsw" and index.get("options", {}).get("m", 0) > 0
            coding = coding_of(vector.get("quantization_config")) if coded else "none"
            found.append(Part(coding, links, *_rows(folder)))
    return found


def stats(path: Path, representation: str, space: Space, n: int) -> RepresentationStats:
    """Of `n` rows that have the representation."""
    if space.kind != "dense":
        return RepresentationStats(space.kind, n, bytes_a_vector=4.0 * (space.size or 0))
    here = parts(path, representation)
    codings = {part.coding for part in here} - {"none"}
    size = space.size or 0
    if not codings:
        return RepresentationStats("dense", n, graph=_linked(here), bytes_a_vector=4.0 * size)
    coding = sorted(codings)[0]
    coded = sum(part.rows or 0 for part in here if part.coding != "none")
    return RepresentationStats(
        "dense",
        n,
        coding,
        n if all(part.coding != "none" for part in here) else min(n, coded),
        _linked(here),
        code_bytes(coding, size),
    )


def _linked(here: Sequence[Part]) -> bool:
    return any(part.graph for part in here)


def allocated_bytes(path: Path) -> int:
    """Of all files in the folder the blocks they take: the engine's files are full of holes."""
    total = 0
    for file in path.rglob("*"):
        try:
            told = file.lstat()
        except FileNotFoundError:  # the engine, or SQLite, has just removed it
            continue
        if file.is_file() and not file.is_symlink():
            blocks = getattr(told, "st_blocks", None)
            total += told.st_size if blocks is None else blocks * 512
    return total


def _segments(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for folder in sorted((path / "segments").iterdir()):
        told = folder / "segment.json"
        if told.exists():
            yield folder, json.loads(told.read_text(encoding="utf-8"))["config"]


def _rows(folder: Path) -> tuple[int | None, int]:
    """Rows alive and dead; a segment that is still written to keeps neither number."""
    mappings, deleted = folder / "id_tracker.mappings", folder / "id_tracker.deleted"
    if not mappings.exists() or not deleted.exists():
        return None, 0
    dead = int(np.unpackbits(np.fromfile(deleted, np.uint8)).sum())
    # A header of 8 bytes; then for each row a kind, its place and its number.
    return max(0, (mappings.stat().st_size - 8) // 13 - dead), dead
