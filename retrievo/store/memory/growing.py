"""Arrays that grow at their end, so that many small writes do not copy all there is each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Space
from retrievo.store.representations import Places, no_rows, pick, stack
from retrievo.types import MultiRows, Representation, SparseRows


class Growing:
    """The first `n` rows of an array that may have room for more; they themselves never change.

    `plus` fills the room behind them, where no older value looks. So there must be one line of
    values: of two that came from the same one, only the last may be used.
    """

    __slots__ = ("_n", "_room")

    def __init__(self, array: npt.NDArray[Any], n: int | None = None) -> None:
        self._room = array
        self._n = len(array) if n is None else n

    def __len__(self) -> int:
        return self._n

    @property
    def array(self) -> npt.NDArray[Any]:
        return self._room[: self._n]

    def plus(self, more: npt.NDArray[Any]) -> "Growing":
        """These rows and then those; copies only the new ones while there is room."""
        n, room = self._n + len(more), self._room
        if n > len(room):
            room = np.empty((n + n // 2, *room.shape[1:]), room.dtype)
            room[: self._n] = self.array
        room[self._n : n] = more
        return Growing(room, n)

    def at(self, places: Places) -> "Growing":
        """The rows at the places, with some room behind them."""
        n = len(places)
        room = np.empty((n + n // 8, *self._room.shape[1:]), self._room.dtype)
        # Without a mode, take() checks the places by way of another copy; ours are inside.
        np.take(self.array, places, axis=0, out=room[:n], mode="clip")
        return Growing(room, n)


@dataclass(frozen=True, slots=True)
class Kept:
    """One representation of all rows of a store, as arrays that grow."""

    arrays: Mapping[str, Growing]

    @classmethod
    def nothing(cls, space: Space) -> "Kept":
        return cls.of(no_rows(space))

    @classmethod
    def of(cls, values: Representation) -> "Kept":
        """Takes the arrays over: nobody else may change them."""
        return cls({name: Growing(array) for name, array in _arrays(values).items()})

    @property
    def values(self) -> Representation:
        arrays: dict[str, Any] = {name: held.array for name, held in self.arrays.items()}
        if "indices" in arrays:
            return SparseRows(**arrays)
        return MultiRows(**arrays) if "indptr" in arrays else arrays["vectors"]

    def __len__(self) -> int:
        bounds = self.arrays.get("indptr")
        return len(self.arrays["vectors"]) if bounds is None else len(bounds) - 1

    def plus(self, more: Representation) -> "Kept":
        new = _arrays(more)
        if "indptr" in new:
            past = self.arrays["indptr"].array[-1]
            new["indptr"] = new["indptr"][1:] + past
        # Lengths that some rows lack are no use for the others.
        return Kept(
            {name: held.plus(new[name]) for name, held in self.arrays.items() if name in new}
        )

    def at(self, places: Places) -> "Kept":
        if "indptr" in self.arrays:
            return Kept.of(pick(self.values, places))
        return Kept({"vectors": self.arrays["vectors"].at(places)})

    def replaced(self, places: Places, values: Representation) -> "Kept":
        """Other values at the places, one for each."""
        if isinstance(values, np.ndarray):
            vectors = self.arrays["vectors"].array.copy()
            vectors[places] = values
            return Kept.of(vectors)
        order = np.arange(len(self))
        order[places] = len(self) + np.arange(len(places))
        return Kept.of(pick(stack([self.values, values]), order))

    def nbytes(self) -> int:
        return sum(growing.array.nbytes for growing in self.arrays.values())


def _arrays(values: Representation) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a representation by their names; its bounds begin with 0."""
    if isinstance(values, np.ndarray):
        return {"vectors": values}
    start, past = int(values.indptr[0]), int(values.indptr[-1])
    bounds = values.indptr - start
    if isinstance(values, MultiRows):
        return {"indptr": bounds, "vectors": values.vectors[start:past]}
    arrays: dict[str, npt.NDArray[Any]] = {
        "indptr": bounds,
        "indices": values.indices[start:past],
        "values": values.values[start:past],
    }
    return arrays if values.lengths is None else {**arrays, "lengths": values.lengths}
