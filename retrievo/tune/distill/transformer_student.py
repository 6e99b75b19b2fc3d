"""A query encoder of a few layers, trained towards the vectors that a large teacher has given."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from sentence_transformers import SentenceTransformer

from retrievo.contracts import Encoder
from retrievo.encode.matryoshka.heads import Head, fit_ridge
from retrievo.encode.transformer.devices import devices_of
from retrievo.encode.transformer.hub import quiet
from retrievo.errors import ConfigError
from retrievo.ingest.report import Progress
from retrievo.telling import collecting
from retrievo.tune.distill.student_model import Body, first_layers, smaller_model, with_projection
from retrievo.tune.distill.student_texts import Pairs, Prompts, length_of, pairs_of
from retrievo.tune.distill.student_training import Settings, encoded, improve
from retrievo.types import Vectors

Kind = Literal["layers", "external"]

FITTED_ON = 4000
"""Texts that the projection is fitted on; a map of a few hundred rows gains little from more."""


def train_student(
    teacher: Encoder,
    kind: Kind,
    *,
    texts: Sequence[str],
    vectors: Vectors,
    sentences: Sequence[str],
    sentence_vectors: Vectors,
    layers: int | None = None,
    model: str | Path | SentenceTransformer | None = None,
    settings: Settings | None = None,
    device: str = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> tuple[SentenceTransformer, dict[str, Any]]:
    """A student on the CPU whose queries may meet the teacher's documents, and what was done.

    `layers` are the teacher's first ones, for the kind "layers", `model` is the smaller one that is
    trained, for "external"; neither is changed. `vectors`, float32[len(texts), dim], are the
    documents' as the index has them, `sentence_vectors` those that the teacher gives for
    `sentences` as queries; the more of these, the better, and thousands are wanted. The student has
    the teacher's prompts, and puts them before its texts here. Its projection into the teacher's
    space is fitted in closed form, on both sides; then all its weights are trained, on `device`; a
    training that leaves held-out queries farther from the teacher is undone, and told. On a CPU
    the same seed and steps give the same student.

    Raises ConfigError for fewer than 50 texts and for a teacher or a model that cannot be a
    student; EncoderError for vectors that are not finite or do not fit their texts.
    """
    settings = (settings or Settings()).checked()
    body = _body(teacher, kind, layers, model)
    prompts = _prompts(teacher)
    pairs = pairs_of(texts, vectors, sentences, sentence_vectors, prompts)
    learned, held_out = pairs.divided(settings.seed)
    body.model.float().to(devices_of(device, 1)[0]).eval()
    head = _closed_form(body.model, learned, body.layers or 0, settings.seed)
    length = length_of(pairs.targets)
    student = with_projection(body.model, head, length=length, prompts=prompts._asdict())
    told = improve(student, learned, held_out, settings, progress)
    what = {"layers": body.layers} if kind == "layers" else {"model": body.name}
    counts = {
        "documents": int((~learned.queries).sum()),
        "queries": int(learned.queries.sum()),
        "left_out": len(texts) + len(sentences) - len(pairs.texts),
        "held_out": len(held_out.texts),
        "penalty": head.fitted_on["penalty"],
    }
    return student.to("cpu").eval(), {**what, **counts, **told}


def write_student(folder: Path, student: SentenceTransformer) -> None:
    """Put the student into the folder as any SentenceTransformer; its card is not written."""
    with quiet():
        student.save_pretrained(str(folder), create_model_card=False)


def _body(
    teacher: Encoder,
    kind: str,
    layers: int | None,
    model: str | Path | SentenceTransformer | None,
) -> Body:
    if kind not in get_args(Kind):
        raise ConfigError(f"kind is {kind!r}; one of {', '.join(get_args(Kind))} is wanted")
    if kind == "layers" and model is not None:
        raise ConfigError("a model is given, and kind = 'layers' takes the teacher's; leave it out")
    if kind == "external" and layers is not None:
        raise ConfigError(
            "layers is given, and kind = 'external' takes a whole model; leave it out"
        )
    return first_layers(teacher, layers) if kind == "layers" else smaller_model(model)


def _prompts(teacher: Encoder) -> Prompts:
    told: dict[str, Any] = getattr(teacher, "identity", dict)()
    known = told.get("prompts") or {}
    return Prompts(known.get("query") or "", known.get("document") or "")


def _closed_form(model: SentenceTransformer, pairs: Pairs, layers: int, seed: int) -> Head:
    """The ridge from the model's unit vectors to the teacher's; of queries and of documents.

    Half of the texts are queries where there are enough of both.
    """
    queries, documents = np.flatnonzero(pairs.queries), np.flatnonzero(~pairs.queries)
    most = max(FITTED_ON // 2, FITTED_ON - len(documents))
    queries = queries[:most]
    some = pairs.take(np.concatenate([queries, documents[: FITTED_ON - len(queries)]]))
    states = encoded(model, some.texts, normalize=True)
    with collecting():  # few texts make a poor map, and the held-out distance tells it
        return fit_ridge(states, some.targets, layers=layers, seed=seed)
