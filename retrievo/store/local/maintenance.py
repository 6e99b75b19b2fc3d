"""What keeps a `local` index in form: compaction, space given back, sizes told, codes chosen."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from retrievo.contracts import RepresentationStats, StoreStats
from retrievo.errors import ConfigError, StoreError
from retrievo.store.local import engine_config
from retrievo.store.local.coding_choice import SAMPLE, choose_coding
from retrievo.store.local.opened import OpenIndex
from retrievo.store.local.segments import allocated_bytes
from retrievo.store.local.space import check_space, compaction_bytes
from retrievo.telling import tell
from retrievo.types import Vectors

Compression = Literal["int8", "int4", "binary", "none", "auto"]
COMPRESSIONS = ("int8", "int4", "binary", "none", "auto")
_META = "compression"


def set_compression(index: OpenIndex, asked: Compression | None, min_recall: float | None) -> None:
    """Have the index keep its vectors as asked, or as it was asked before; int8 at first.

    What is there already is coded anew at the next compaction.
    """
    kept = _kept(index)
    wanted = {
        "asked": asked or kept.get("asked", "int8"),
        "min_recall": min_recall if min_recall is not None else kept.get("min_recall", 0.98),
    }
    if any(wanted[name] != kept.get(name) for name in wanted):
        kept = {**wanted, "codings": {}, "notes": []}
        if not index.read_only and (asked is not None or min_recall is not None):
            _keep(index, kept)
    if kept["asked"] == "auto":
        index.engine.codings.update(kept["codings"])
    else:
        index.engine.codings.update(dict.fromkeys(index.engine.dense, kept["asked"]))


def settle(index: OpenIndex) -> None:
    """Compact where it pays; choose codes where they are to be chosen and now come in.

    An index that the disk has no room to compact stays as it is, and that is told.
    """
    _choose(index)
    if not index.engine.is_due():
        return
    try:
        _check_space(index)
    except StoreError as error:
        tell(f"not compacted: {error}")
    else:
        index.engine.settle()


def optimize(index: OpenIndex) -> None:
    """Bring the index into its fastest form now. Raises StoreError where the disk is too full."""
    _check_space(index)
    _choose(index)
    index.engine.optimize()


def _check_space(index: OpenIndex) -> None:
    check_space(index.path, compaction_bytes(index.engine.path), "compacting it")


def vacuum(index: OpenIndex) -> None:
    """Give back what deleted rows take, in the engine and in the catalog."""
    optimize(index)
    index.database.all("VACUUM")
    index.database.all("PRAGMA wal_checkpoint(TRUNCATE)")


def stats(index: OpenIndex) -> StoreStats:
    """Sizes, and how each representation is kept."""
    documents, chunks = index.lookups.counts()
    each = index.engine.stats()
    notes = [*_kept(index).get("notes", []), *_notes(each)]
    found = index.database.all("SELECT count(DISTINCT tenant) FROM documents WHERE tenant != 0")
    return StoreStats(
        documents,
        chunks,
        int(found[0][0]),
        each,
        bytes_on_disk=allocated_bytes(index.path),
        notes=tuple(notes),
        truncated=index.lookups.truncated(),
    )


def _notes(each: dict[str, RepresentationStats]) -> Iterator[str]:
    for name, one in each.items():
        uncoded = one.vectors - one.coded
        if one.coding != "float32" and uncoded:
            yield f"{name}: {uncoded} of {one.vectors} vectors have no {one.coding} code yet"
        if one.coding == "float32" and one.kind == "dense":
            yield (
                f"{name}: float32; codes come with more than {engine_config.QUANTIZE_ABOVE} "
                "vectors, unless compression is 'none'"
            )


def _choose(index: OpenIndex) -> None:
    """Measure and remember, where compression is "auto" and the index has become large enough."""
    kept = _kept(index)
    engine = index.engine
    if kept.get("asked") != "auto" or engine.count() <= engine_config.QUANTIZE_ABOVE:
        return
    for name in engine.dense:
        if name not in kept["codings"]:
            choice = choose_coding(_sample(index, name), kept["min_recall"])
            kept["codings"][name] = engine.codings[name] = choice.coding
            kept["notes"].append(f"{name}: {choice}")
            _keep(index, kept)
            tell(f"{index.path}, {name}: {choice}")


def _sample(index: OpenIndex, name: str) -> Vectors:
    rows = index.lookups.all_rows()
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))
    parts = [index.engine.fetch(name, rows[i : i + 1024]) for i in range(0, len(rows), 1024)]
    return np.concatenate([part for part in parts if isinstance(part, np.ndarray)])


def _kept(index: OpenIndex) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(index.catalog.meta(_META) or "{}")
    return found


def _keep(index: OpenIndex, kept: dict[str, Any]) -> None:
    with index.catalog.transaction():
        index.catalog.set_meta({_META: json.dumps(kept)})


def check_compression(asked: Compression | None, min_recall: float | None) -> None:
    """Raise ConfigError for what no index can be kept in."""
    if asked is not None and asked not in COMPRESSIONS:
        raise ConfigError(f"compression is {asked!r}; one of {', '.join(COMPRESSIONS)} is wanted")
    if min_recall is not None and not 0 < min_recall <= 1:
        raise ConfigError(f"min_recall is {min_recall}; more than 0 and at most 1 is wanted")
