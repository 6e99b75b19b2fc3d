"""A transformer student of an index: texts and vectors drawn from it, the student trained."""

from collections.abc import Callable
from typing import Literal

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.encode.asymmetric import sentence_of, some_rows, spread
from retrievo.encode.deferred import DeferredEncoder
from retrievo.encode.sentence import SentenceEncoder
from retrievo.encode.student.transformer import TransformerStudent
from retrievo.errors import ConfigError
from retrievo.ingest.report import Progress
from retrievo.tune.distill.student import Student
from retrievo.tune.distill.student_training import Settings
from retrievo.tune.distill.transformer_student import train_student, write_student
from retrievo.types import Rows

SOURCES, SENTENCES_EACH, CHUNKS = 4_000, 2, 1_000
"""Chunks that sentences are taken from, how many of each, and whole chunks beside them. A student
is for queries: on scifact 2,000 chunks more brought .008 nDCG@10 and took three times as long."""

HELD_OUT = 200


def transformer_fit(
    kind: Literal["layers", "external"],
    store: Store,
    name: str,
    teacher: Encoder,
    *,
    layers: int | None,
    model: str | None,
    minutes: float,
    device: str,
    seed: int,
    progress: Callable[[Progress], None] | None,
) -> Student:
    """The student of a sample of what the index holds; see `train_student`.

    Chunks come with their stored vectors; the teacher encodes sentences as queries. Raises
    ConfigError where the index holds too few texts, or `layers` and `model` do not fit the kind.
    """
    if isinstance(teacher, DeferredEncoder):
        teacher = teacher.encoder()
    if kind == "external" and model is None:
        raise ConfigError("an external student wants a model: --model NAME (model=...)")
    rows = some_rows(store, SOURCES + HELD_OUT)
    aside = np.zeros(len(rows), bool)
    aside[np.linspace(0, len(rows) - 1, min(HELD_OUT, len(rows) // 10)).astype(np.int64)] = True
    learned, held = rows[~aside], rows[aside]
    sources = [chunk.text for part in _parts(learned) for chunk in store.get(part)]
    found = (
        sentence_of(text, place + other)
        for place, text in enumerate(sources)
        for other in range(SENTENCES_EACH)
    )
    sentences = [text for text in dict.fromkeys(found) if text]
    whole = spread(learned, CHUNKS)
    vectors = store.vectors(name, whole)
    assert isinstance(vectors, np.ndarray)
    student, told = train_student(
        teacher,
        kind,
        texts=[chunk.indexed_text for chunk in store.get(whole)],
        vectors=vectors,
        sentences=sentences,
        sentence_vectors=teacher.encode_query(sentences),
        layers=layers,
        model=model,
        settings=Settings(minutes=minutes, seed=seed),
        device=device,
        progress=progress,
    )
    encoder = SentenceEncoder(student, cache="off", dtype="float32")
    wanted = store.vectors(name, held)
    assert isinstance(wanted, np.ndarray)
    return Student(
        kind,
        wanted,
        encoder.encode_query([chunk.indexed_text for chunk in store.get(held)]),
        held,
        encoder.encode_query,
        told,
        lambda folder: write_student(folder, student),
        TransformerStudent,
    )


def _parts(rows: Rows) -> list[Rows]:
    return [rows[at : at + 1024] for at in range(0, len(rows), 1024)]
