"""What is worked out of a memory store's state when it is first asked for, and kept beside it.

Nothing here can be wrong about its state, only missing; two threads that miss it make it twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.store.columns.columns import Changes, Columns
from retrievo.store.memory.coded import Coded
from retrievo.store.memory.exact import longest
from retrievo.store.memory.inverted import Inverted
from retrievo.store.representations import Places
from retrievo.types import Chunk, Rows, SparseRows, Vectors


class Lookups:
    """Of one state; the next state begins with what still holds of the one before."""

    def __init__(self) -> None:
        self.coded: dict[str, Coded] = {}
        self._columns: Columns | None = None
        self._earlier: Columns | None = None
        """Of a state before, from which ours are made when they are asked for."""
        self._ids: dict[tuple[int, str], int] | None = None
        self._inverted: dict[str, Inverted] = {}
        self._longest: dict[str, tuple[int, float]] = {}

    def grown(self) -> "Lookups":
        """For a state with more rows at the end."""
        new = Lookups()
        new.coded, new._inverted = dict(self.coded), dict(self._inverted)
        new._longest = dict(self._longest)
        new._earlier = self._columns or self._earlier
        return new

    def narrowed(self, places: Places) -> "Lookups":
        """For a state that kept only these places."""
        new = Lookups()
        new.coded = {name: coded.at(places) for name, coded in self.coded.items()}
        new._earlier = self._columns or self._earlier
        # Of fewer vectors the longest is at most as long: still a bound.
        new._longest = {
            name: (int(np.searchsorted(places, n)), length)
            for name, (n, length) in self._longest.items()
        }
        return new

    def without(self, name: str) -> "Lookups":
        """For a state in which one representation is another."""
        new = self.grown()
        new._columns, new._ids = self._columns, self._ids
        for held in (new.coded, new._inverted, new._longest):
            held.pop(name, None)
        return new

    def columns(self, rows: Rows, chunks: Sequence[Chunk]) -> Columns:
        found, earlier = self._columns, self._earlier
        if found is None:

            def source() -> Iterator[tuple[int, str, Mapping[str, Any]]]:
                for row, chunk in zip(rows.tolist(), islice(chunks, len(rows)), strict=True):
                    yield row, chunk.doc_id, chunk.metadata

            if earlier is None:
                found = Columns(rows, source)
            else:
                found = earlier.after(_changes(earlier.rows, rows, chunks), source)
            self._columns, self._earlier = found, None
        return found

    def row_of(
        self, rows: Rows, owners: npt.NDArray[np.int64], chunks: Sequence[Chunk]
    ) -> dict[tuple[int, str], int]:
        """The row of each chunk by its tenant's number and its id."""
        if self._ids is None:
            ids = (chunk.id for chunk in islice(chunks, len(rows)))
            keys = zip(owners.tolist(), ids, strict=True)
            self._ids = dict(zip(keys, rows.tolist(), strict=True))
        return self._ids

    def inverted(self, name: str, values: SparseRows) -> Inverted:
        found = self._inverted.get(name)
        if found is None or len(found) < len(values):
            found = self._inverted[name] = Inverted(values, found)
        return found

    def longest(self, name: str, vectors: Vectors) -> float:
        """The length of the longest vector, or of one that was and is gone."""
        n, length = self._longest.get(name, (0, 0.0))
        if n < len(vectors):
            length = max(length, longest(vectors[n:]))
            self._longest[name] = (len(vectors), length)
        return length


def _changes(before: Rows, rows: Rows, chunks: Sequence[Chunk]) -> Changes:
    """What is new since the rows before: a row keeps its chunk, new ones have higher numbers."""
    changes: dict[int, tuple[str, Mapping[str, Any]] | None] = dict.fromkeys(
        np.setdiff1d(before, rows, assume_unique=True).tolist()
    )
    first = int(np.searchsorted(rows, before[-1], "right")) if len(before) else 0
    for place in range(first, len(rows)):
        changes[int(rows[place])] = (chunks[place].doc_id, chunks[place].metadata)
    return changes
