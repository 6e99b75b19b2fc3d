"""The index that a student is made of, and what a student is worth on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.encode.asymmetric import sentence_of, some_rows
from retrievo.errors import ConfigError, RetrievoError
from retrievo.evaluate.datasets import Dataset
from retrievo.telling import tell
from retrievo.truncation import recording
from retrievo.tune.distill.drift import existing, is_foreign
from retrievo.tune.distill.fidelity import fidelity, judgement, latency, margin, pool_of
from retrievo.tune.distill.student import Student
from retrievo.types import Rows

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

LANDMARKS = 32

SENTENCES = 200
"""Pseudo-queries: sentences of held-out chunks that teacher and student encode."""

FEWEST = 50

SURE = 0.9
"""Of the queries where a student counts as sure, that have the teacher's first among its ten."""


@dataclass(frozen=True, slots=True)
class Index:
    """The index that a student is made of: its store, its dense vectors, and their encoder."""

    store: Store
    name: str
    teacher: Encoder
    fingerprint: str
    model: str

    @classmethod
    def of(cls, pipeline: "Pipeline") -> "Index":
        """Raises ConfigError where the index keeps no dense vectors of its encoder, or no text.

        Builds no query encoder: a student that has been lost must not keep another from being made.
        """
        store, passport = pipeline.store, pipeline.passport
        dim = passport.encoder["dim"]
        spaces = passport.representations.items()
        names = [name for name, space in spaces if (space.kind, space.size) == ("dense", dim)]
        if not names:
            raise ConfigError("the index has no 'dense' retriever, whose queries a student encodes")
        if not store.count():
            raise ConfigError("the index is empty: index documents first")
        known = passport.encoder
        return cls(
            store,
            names[0],
            pipeline._assembly.part("encoder"),
            str(known["fingerprint"]),
            str(known.get("model") or known.get("name")),
        )


def measured(
    where: Index, made: Student, student: Encoder, judged: Dataset | None
) -> dict[str, Any]:
    """What the card says besides: queries, margin, judged collection, latency."""
    texts = _sentences(where.store, made.held_rows)
    if not texts:
        tell("no held-out chunk says anything: the student is measured on documents alone")
        return {}
    try:
        with recording():
            wanted = where.teacher.encode_query(texts)
    except (RetrievoError, OSError) as error:
        tell(
            f"the teacher cannot be asked ({error}): the student is measured on documents alone, "
            "and has no margin"
        )
        return {}
    found = made.held_out(texts)
    pool = pool_of(where.store, where.name, most=50_000)
    told: dict[str, Any] = {
        "queries": fidelity(pool, wanted, found),
        # Of few sentences it is chance which gap is enough.
        "margin": margin(pool, wanted, found, SURE) if len(texts) >= FEWEST else None,
        "latency": latency(texts, student, where.teacher),
    }
    if judged is not None:
        told["judged"] = judgement(
            where.store,
            where.name,
            judged,
            student.encode_query,
            where.teacher.encode_query,
        )
    return told


def landmarks(store: Store) -> dict[int, str]:
    """The ids of a few chunks by their rows, which another index does not have."""
    rows = some_rows(store, LANDMARKS)
    return {row: chunk.id for row, chunk in zip(rows.tolist(), store.get(rows), strict=True)}


def check_landmarks(store: Store, known: Mapping[int, str], folder: Path) -> None:
    """Raise ConfigError where none of the rows has its chunk: this is not the student's index."""
    with store.reading():
        foreign = is_foreign(store, known)
    if foreign:
        raise ConfigError(
            f"the student {folder} was made of another index: its rows are others here; make one "
            "of this index, without --refresh"
        )


def last_row(store: Store) -> int:
    """The highest row of the index."""
    return max((int(rows.max()) for rows in store.scan() if len(rows)), default=-1)


def _sentences(store: Store, rows: Rows) -> list[str]:
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), SENTENCES)).astype(np.int64)]
    with store.reading():
        chunks = store.get(existing(store, chosen))
    found = [sentence_of(chunk.text, place) for place, chunk in enumerate(chunks)]
    return [text for text in found if text]
