"""Whether a student still fits the index that it was made for, after documents were added."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.encode.asymmetric import spread
from retrievo.encode.student.card import Fidelity, StudentCard
from retrievo.telling import collecting
from retrievo.tune.distill.fidelity import fidelity, pool_of
from retrievo.types import Rows

SAMPLE = 400
"""Newer chunks that are measured: milliseconds for a static student."""

LOST = 0.03
"""Of the cosine to the stored vectors, beyond which a student is said to have drifted."""

GROWN = 0.2
"""Of the chunks that are newer than the student, beyond which it is said to be old."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How a student does on chunks that came after it, beside what it did when it was made.

    `then` is its fidelity on documents that were held out of the fit, `now` that on newer ones:
    their own texts against their stored vectors, without a call of the teacher. None without newer
    ones. `foreign` says that it was made of another index, of which these numbers say nothing.
    """

    kind: str
    teacher: str
    chunks: int
    newer: int
    then: Fidelity
    now: Fidelity | None
    foreign: bool = False

    @property
    def drifted(self) -> bool:
        """Whether it should be refreshed."""
        if self.now is None or self.foreign:
            return self.foreign
        return self.newer > GROWN * self.chunks or self.now.cosine < self.then.cosine - LOST

    def as_dict(self) -> dict[str, Any]:
        """What `doctor --json` prints."""
        return {
            "kind": self.kind,
            "teacher": self.teacher,
            "chunks": self.chunks,
            "newer_chunks": self.newer,
            "then": self.then.model_dump(),
            "now": None if self.now is None else self.now.model_dump(),
            "drifted": self.drifted,
            "foreign": self.foreign,
        }

    def __str__(self) -> str:
        told = f"{self.kind} student of {self.teacher}: {self.then} when it was made"
        if self.foreign:
            return f"{told}; it was made of another index: make one of this, retrievo distill"
        if self.now is None:
            return f"{told}; no chunk is newer"
        told += f"; {self.newer:,} of {self.chunks:,} chunks are newer, on these: {self.now}"
        if self.drifted:
            again = "--refresh" if self.kind == "static" else f"--student {self.kind} --force"
            told += f"; refresh it: retrievo distill {again} --out FOLDER"
        return told


def drift_of(store: Store, representation: str, encoder: Encoder, card: StudentCard) -> Drift:
    """The student measured on what the index got after it; see `Drift`."""
    with store.reading():
        newer = newer_rows(store, card.last_row)
        total = store.count()
        now = None
        if len(newer):
            rows = spread(newer, SAMPLE)
            chunks, stored = store.get(rows), store.vectors(representation, rows)
            assert isinstance(stored, np.ndarray)
            with collecting():  # an empty chunk is no news here
                found = encoder.encode_query([chunk.indexed_text for chunk in chunks])
            now = fidelity(pool_of(store, representation), stored, found)
        foreign = is_foreign(store, card.landmarks)
    model = card.teacher.model
    return Drift(card.kind, model, total, len(newer), card.documents, now, foreign)


def is_foreign(store: Store, landmarks: Mapping[int, str]) -> bool:
    """Whether rows that a student knows are other chunks here; a row that is gone says nothing."""
    rows = existing(store, np.array(sorted(landmarks), np.int64))
    chunks = zip(rows.tolist(), store.get(rows), strict=True)
    return any(landmarks[row] != chunk.id for row, chunk in chunks)


def existing(store: Store, rows: Rows) -> Rows:
    """Those of the rows that the index has."""
    parts = list(store.scan())
    return rows[np.isin(rows, np.concatenate(parts))] if parts else rows[:0]


def newer_rows(store: Store, last_row: int) -> Rows:
    """The rows beyond that one: a store never gives a number twice, and counts up."""
    parts = [rows[rows > last_row] for rows in store.scan()]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
