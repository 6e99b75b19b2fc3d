"""Vectors as bytes: float32 as they are, or int8 with a scale for each vector."""

from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from retrievo.types import Vectors

LEAST_COSINE = 0.9995
"""A vector that int8 would turn further than this is kept in float32.

Passages of scifact lie at .9999 and above (all-MiniLM-L6-v2, WordLlama); it is vectors with a few
numbers far larger than all others that do not fit into 255 steps.
"""

_LARGEST = 127
_FLOAT = _SCALE = np.dtype("<f4")
_TINY = np.finfo(np.float32).tiny


class Entry(NamedTuple):
    """What is kept of a text: its packed vector, and how many of its tokens are in it."""

    vector: bytes
    tokens_total: int
    tokens_seen: int

    def checksum(self, key: bytes) -> int:
        """Changes with any byte of the entry, and with the key that it is kept under."""
        counts = b"%d,%d" % (self.tokens_total, self.tokens_seen)
        return crc32(self.vector, crc32(counts, crc32(key)))

    def is_whole(self, key: bytes, checksum: object) -> bool:
        """Whether it is what was written; in a damaged file it may not even have its types."""
        try:
            return self.checksum(key) == checksum
        except TypeError:
            return False


def pack(vectors: Vectors, precision: str) -> list[bytes]:
    """The bytes of each row: 4 for a number, or with "int8" one, and 4 for the row's scale."""
    wide = np.ascontiguousarray(vectors, _FLOAT)
    if precision != "int8":
        return [row.tobytes() for row in wide]
    numbers, scales, fits = _quantized(vectors)
    narrow = np.hstack([scales[:, None].view(np.int8), numbers])
    return [(narrow if fit else wide)[row].tobytes() for row, fit in enumerate(fits.tolist())]


def unpack(blobs: Sequence[bytes], dim: int) -> Vectors:
    """float32[len(blobs), dim] of what `pack` made of vectors with `dim` numbers."""
    whole = 4 * dim
    if all(len(blob) == whole for blob in blobs):
        return _floats(blobs, dim)
    vectors = np.empty((len(blobs), dim), np.float32)
    wide = np.fromiter((len(blob) == whole for blob in blobs), bool, len(blobs))
    vectors[wide] = _floats([blob for blob in blobs if len(blob) == whole], dim)
    narrow = b"".join(blob for blob in blobs if len(blob) != whole)
    parts = np.frombuffer(narrow, np.int8).reshape(-1, _SCALE.itemsize + dim)
    scales = parts[:, : _SCALE.itemsize].copy().view(_SCALE)
    vectors[~wide] = parts[:, _SCALE.itemsize :] * scales.astype(np.float32)
    return vectors


def as_kept(vectors: Vectors) -> Vectors:
    """The rows as int8 gives them back: those that do not fit are as they were."""
    numbers, scales, fits = _quantized(vectors)
    kept = numbers * scales.astype(np.float32)[:, None]
    return np.where(fits[:, None], kept, vectors).astype(np.float32)


def _floats(blobs: Sequence[bytes], dim: int) -> Vectors:
    joined = np.frombuffer(b"".join(blobs), _FLOAT).reshape(-1, dim)
    return joined.astype(np.float32, copy=False)


def _quantized(
    vectors: Vectors,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """int8[n, dim], a scale for each row so that its length stays, and whether the row fits."""
    exact = vectors.astype(np.float64)
    with np.errstate(all="ignore"):  # rows of zeros, and non-finite ones: they do not fit
        steps = np.rint(exact * (_LARGEST / np.abs(exact).max(axis=1, initial=0.0, keepdims=True)))
        steps = np.nan_to_num(steps, nan=0.0, posinf=0.0, neginf=0.0)
        lengths = np.linalg.norm(exact, axis=1)
        sizes = np.linalg.norm(steps, axis=1)
        scales = (lengths / sizes).astype(_SCALE)
        cosines = np.einsum("nd,nd->n", exact, steps) / (lengths * sizes)
        # A scale may leave the range of float32, at either end.
        fits = (cosines >= LEAST_COSINE) & (scales >= _TINY) & np.isfinite(scales * _LARGEST)
    return steps.astype(np.int8), np.where(fits, scales, _FLOAT.type(0)), fits
