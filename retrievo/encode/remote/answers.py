"""Vectors of a service's answer, looked at before anything is done with them."""

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.errors import EncoderError
from retrievo.types import Vectors

Row = list[float | None] | str
"""A vector as services send it: numbers, null for what JSON cannot say, or float32 as base64."""


class Answer(NamedTuple):
    """What a service said: rows as they came, the place of each where it says so, the rest."""

    rows: Sequence[Row]
    places: Sequence[int | None] | None
    model: str | None
    tokens: int | None
    warnings: Sequence[str] = ()


class Checked(NamedTuple):
    """float32[n, dim] in the order of the texts, and what is wrong with rows that are no use."""

    vectors: Vectors
    bad: dict[int, str]


def checked(answer: Answer, n: int, dim: int | None, who: str) -> Checked:
    """The vectors of n texts. Raises EncoderError for an answer that is not theirs.

    That is another count, places that are not those of the texts, another width. A row with NaN
    or infinity, or of zeros alone, is the matter of its text: it is in `bad`.
    """
    if len(answer.rows) != n:
        raise EncoderError(f"{who} gave {len(answer.rows)} vectors for {n} texts")
    rows = [_numbers(row, who) for row in answer.rows]
    widths = sorted({row.size for row in rows})
    if len(widths) > 1:
        raise EncoderError(f"{who} gave vectors of {widths[0]} and of {widths[-1]} numbers at once")
    if widths and (widths[0] == 0 or dim not in (None, widths[0])):
        raise EncoderError(
            f"{who} gave vectors of {widths[0]} numbers, {dim or 'some'} are wanted; it serves "
            "another model than before, or takes no `dimensions`"
        )
    vectors = np.stack(rows)[_order(answer.places, n, who)]
    bad = {
        int(place): "its vector has NaN or infinity"
        for place in np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    }
    bad |= {int(place): "its vector is zero" for place in np.flatnonzero(~vectors.any(axis=1))}
    return Checked(vectors, bad)


def _numbers(row: Row, who: str) -> npt.NDArray[np.float32]:
    if not isinstance(row, str):
        with np.errstate(over="ignore"):  # beyond float32 is infinity, which is told
            return np.array(row, dtype=np.float32)
    try:
        data = base64.b64decode(row, validate=True)
    except (binascii.Error, ValueError):
        raise EncoderError(f"{who} gave a text as a vector that is no base64") from None
    if len(data) % 4:
        raise EncoderError(f"{who} gave {len(data)} bytes as a vector; float32 has 4 a number")
    return np.frombuffer(data, dtype="<f4").astype(np.float32)


def _order(places: Sequence[int | None] | None, n: int, who: str) -> npt.NDArray[np.int64]:
    """Which row belongs to each text."""
    if places is None or all(place is None for place in places):
        return np.arange(n)
    found = [place for place in places if place is not None]
    if sorted(found) != list(range(n)):
        twice = sorted({place for place in found if found.count(place) > 1})
        what = f"{twice[0]} twice" if twice else f"{sorted(found)[:3]} and so on"
        raise EncoderError(f"{who} gave {n} vectors with the index {what}; 0 to {n - 1} is wanted")
    order = np.empty(n, np.int64)
    order[found] = np.arange(n)
    return order


def unit(vectors: Vectors) -> Vectors:
    """The vectors at length 1; one that has it already keeps its numbers to the bit."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    off = np.abs(lengths - 1) > 1e-6
    if off.any():
        vectors = vectors.copy()
        vectors[off] = vectors[off] / np.maximum(lengths[off], 1e-30)[:, None]
    return vectors
