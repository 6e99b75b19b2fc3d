"""Whether the disk has room for what is about to be written.

The engine writes through memory maps of files with holes. Where the disk has no block left for such
a page the operating system ends the process, without an error that could be told: so it is looked
at before.
"""

import shutil
from pathlib import Path

from retrievo.contracts import Batch
from retrievo.errors import StoreError
from retrievo.store.local.segments import allocated_bytes
from retrievo.types import MultiRows, Representation, SparseRows

RESERVE = 32 * 2**20
"""Bytes that stay free whatever is written: SQLite's log, another program's last straw."""

GROWTH = 3
"""Bytes of disk for a byte of a batch: vectors, codes, postings, indices of SQLite."""


def check_space(path: Path, needed: int, what: str) -> None:
    """Raise StoreError where the disk has fewer free bytes than needed."""
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        raise StoreError(
            f"the folder of the index is not at {path} any more ({error.strerror}): it was moved, "
            "or the working folder was changed and the path is relative; open it again"
        ) from error
    if free < needed + RESERVE:
        raise StoreError(
            f"the disk of {path} has {free // 2**20} MiB left, and {what} wants up to "
            f"{-(-(needed + RESERVE) // 2**20)}; make room, or move the index"
        )


def batch_bytes(batch: Batch) -> int:
    """About what the batch takes on disk."""
    texts = sum(len(chunk.text) for _, chunks in batch.items for chunk in chunks)
    vectors = sum(_size(values) for values in batch.representations.values())
    return GROWTH * (2 * texts + vectors)


def compaction_bytes(vectors: Path) -> int:
    """What compacting may take: the old segments stay until the new one is whole."""
    return int(1.2 * allocated_bytes(vectors))


def _size(values: Representation) -> int:
    if isinstance(values, SparseRows):
        return int(values.indices.nbytes + values.values.nbytes)
    return int((values.vectors if isinstance(values, MultiRows) else values).nbytes)
