"""Inner products of real queries with vectors of -1 and 1 that are packed eight to a byte.

A query is rounded to 4 bits a number, as in RaBitQ (Gao and Long 2024, 3.3.2), and so becomes four
vectors of signs with the weights 1, 2, 4 and 8; its product with a packed vector is four times an
XOR and a count of ones. Many queries at once are cheaper as a matrix product over unpacked signs:
both ways add the same whole numbers, so they agree to the last bit.
"""

import numpy as np
import numpy.typing as npt

from retrievo.store.codecs.codec import Codes
from retrievo.types import Scores, Vectors

QUERY_BITS = 4
_LARGEST = 2**QUERY_BITS - 1

_MANY = 8
"""From so many queries on, unpacking pays."""

_ROWS_AT_ONCE = 8192
_COUNTS = hasattr(np, "bitwise_count")  # numpy 2


def packed_bytes(dim: int) -> int:
    return -(-dim // 8)


def pack(numbers: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """uint8[n, ceil(dim / 8)]: a one where the number is above 0."""
    return np.packbits(numbers > 0, axis=1)


def sign_products(queries: Vectors, packed: Codes) -> Scores:
    """float32[queries, n]: the sum over dimensions of the query's number times the packed sign.

    A query's number is off by its largest number / 15 at most.
    """
    numbers, unit = _rounded(queries)
    if len(queries) >= _MANY or not _COUNTS:
        products = _by_matrix(numbers, packed)
    else:
        products = _by_counting(numbers, packed)
    products *= unit[:, None]
    return products


def _rounded(queries: Vectors) -> tuple[npt.NDArray[np.int64], Scores]:
    """Odd whole numbers from -15 to 15, and what 1 of them is worth in each query."""
    largest = np.abs(queries).max(axis=1, initial=0.0).astype(np.float64)
    unit = largest / _LARGEST
    share = queries / np.where(largest > 0, unit, 1.0)[:, None]
    numbers = 2 * np.floor(share / 2).astype(np.int64) + 1
    return np.clip(numbers, -_LARGEST, _LARGEST), unit.astype(np.float32)


def _by_matrix(numbers: npt.NDArray[np.int64], packed: Codes) -> Scores:
    dim = numbers.shape[1]
    columns = np.ascontiguousarray(numbers.T.astype(np.float32))
    products = np.empty((len(numbers), len(packed)), np.float32)
    for start in range(0, len(packed), _ROWS_AT_ONCE):
        part = packed[start : start + _ROWS_AT_ONCE]
        signs = np.unpackbits(part, axis=1, count=dim).astype(np.float32)
        signs *= 2
        signs -= 1
        products[:, start : start + len(part)] = (signs @ columns).T
    return products


def _by_counting(numbers: npt.NDArray[np.int64], packed: Codes) -> Scores:
    n, dim = numbers.shape
    # An odd number from -15 to 15 is a sum of 1, 2, 4 and 8, each with a sign of its own.
    levels = (numbers + _LARGEST) // 2
    planes = np.stack(
        [_words(np.packbits((levels >> bit) & 1, axis=1)) for bit in range(QUERY_BITS)]
    )
    # Small numbers are added faster: so small that 15 * dim fits.
    adding = np.uint16 if _LARGEST * dim < 2**16 else np.uint32
    products = np.empty((n, len(packed)), np.float32)
    for start in range(0, len(packed), _ROWS_AT_ONCE):
        # A word of all rows side by side, then the next word: numpy is fast along long rows only.
        words = np.ascontiguousarray(_words(packed[start : start + _ROWS_AT_ONCE]).T)
        apart, ones = np.empty_like(words), np.empty(words.shape, np.uint8)
        for i in range(n):
            differing = np.zeros(words.shape[1], adding)
            for bit in range(QUERY_BITS):
                np.bitwise_xor(words, planes[bit, i][:, None], out=apart)
                np.bitwise_count(apart, out=ones)
                differing = differing + (ones.sum(axis=0, dtype=adding) << bit)
            same = _LARGEST * dim - 2 * differing.astype(np.int64)
            products[i, start : start + words.shape[1]] = same
    return products


def _words(packed: Codes) -> npt.NDArray[np.uint64]:
    """The bytes eight to a word, filled up with zeros where they are no whole words."""
    n, width = packed.shape
    if width % 8 == 0 and packed.strides == (packed.strides[0], 1) and packed.strides[0] % 8 == 0:
        return packed.view(np.uint64)
    room = np.zeros((n, -(-width // 8) * 8), np.uint8)
    room[:, :width] = packed
    return room.view(np.uint64)
