"""A student made of an index: what it learns from, how it is judged, and where it goes."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.encode.asymmetric import sentence_of
from retrievo.encode.student.card import CARD_FILE, Fidelity, StudentCard, Teacher
from retrievo.errors import ConfigError, EncoderError, RetrievoError
from retrievo.evaluate.datasets import Dataset
from retrievo.ingest.report import Progress
from retrievo.retrieve.dense import DenseRetriever
from retrievo.telling import tell
from retrievo.truncation import recording
from retrievo.tune.distill.fidelity import fidelity, judgement, latency, margin, pool_of
from retrievo.tune.distill.static_student import refit, static_fit
from retrievo.tune.distill.student import Student
from retrievo.tune.folders import put_in_place
from retrievo.types import Rows

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

Kind = Literal["static", "layers", "external"]

MIN_OVERLAP = 0.5
SENTENCES = 200
"""Pseudo-queries: sentences of held-out chunks that teacher and student encode."""

SURE = 0.9
"""Of the queries where a student counts as sure, that have the teacher's first among its ten."""


@dataclass(frozen=True, slots=True)
class Distilled:
    """A student that is in its folder. `before` is what the one had that was refreshed."""

    folder: Path
    card: StudentCard
    before: Fidelity | None = None

    @property
    def use(self) -> str:
        """Its name in a configuration."""
        return f"{self.card.kind}-student"

    def install(self, pipeline: "Pipeline") -> None:
        """Have the index of the pipeline use it for queries, from the next time it is opened.

        Raises ConfigError for an index that was made with objects, which no configuration names.
        """
        store = pipeline.store
        stored = store.config() or {}
        if stored.get("objects"):
            raise ConfigError(
                f"the index was made with {', '.join(stored['objects'])} as objects: hand the "
                f"student over as well, query_encoder=Pipeline.part('encoder', {self.use!r}, "
                f"path={str(self.folder)!r})"
            )
        table = {"use": self.use, "path": str(self.folder.resolve())}
        tables = {**stored.get("tables", {}), "query_encoder": table}
        store.stamp(pipeline.passport, {**stored, "tables": tables})

    def as_dict(self) -> dict[str, Any]:
        """What `distill --json` prints."""
        ratio = None if self.card.latency is None else self.card.latency.ratio
        return {
            "folder": str(self.folder),
            "use": self.use,
            "card": self.card.model_dump(mode="json"),
            "latency_ratio": ratio,
            "before": None if self.before is None else self.before.model_dump(),
        }

    def __str__(self) -> str:
        card = self.card
        lines = [f"{card.kind} student of {card.teacher.model} in {self.folder}"]
        if self.before is not None:
            lines.append(f"before:    {self.before}")
        lines.append(f"documents: {card.documents}")
        if card.queries is not None:
            lines.append(f"queries:   {card.queries}")
        if card.judged is not None:
            one = card.judged
            share = one.student / one.teacher if one.teacher else 0.0
            lines.append(
                f"{one.dataset}: nDCG@10 {one.student:.4f}, the teacher {one.teacher:.4f} "
                f"({share:.1%}), {one.queries} queries, dense alone"
            )
        if card.latency is not None:
            lines.append(
                f"a query:   {card.latency.student_ms:.3f} ms, the teacher "
                f"{card.latency.teacher_ms:.2f} ms ({card.latency.ratio:.0f} x), one at a time"
            )
        if card.margin is not None:
            lines.append(f"sure where the first and the tenth score are {card.margin} apart")
        if card.forced:
            lines.append(f"below the overlap of {card.min_overlap} that was asked for, and forced")
        return "\n".join(lines)


def distill(
    pipeline: "Pipeline",
    kind: Kind,
    out: str | Path,
    *,
    layers: int | None = None,
    model: str | None = None,
    minutes: float = 3.0,
    min_overlap: float = MIN_OVERLAP,
    judged: Dataset | None = None,
    device: str = "auto",
    seed: int = 0,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Distilled:
    """The student in the folder `out`, made from the texts and vectors that the index holds.

    "static" calls the teacher for nothing but 200 sentences to measure with; "layers" and
    "external" also for the sentences that they learn from. `judged` is a collection whose documents
    the index holds. The folder appears when all is done.

    Raises ConfigError for an index without dense vectors or with too few texts, and for a folder
    that is there and holds something else; EncoderError for a student whose overlap@10 is below
    `min_overlap`, unless `force`.
    """
    if not 0 <= min_overlap <= 1:
        raise ConfigError(f"min_overlap is {min_overlap}; from 0 to 1 is wanted")
    target = check_output(out, force=force)
    where = Index.of(pipeline)
    if kind == "static":
        made: Student = static_fit(where.store, where.name, where.teacher, progress)
    else:
        from retrievo.tune.distill.transformer_fit import transformer_fit  # it needs torch

        made = transformer_fit(
            kind,
            where.store,
            where.name,
            where.teacher,
            layers=layers,
            model=model,
            minutes=minutes,
            device=device,
            seed=seed,
            progress=progress,
        )
    return _finished(where, made, target, min_overlap, judged, force=force, before=None)


def refresh(
    pipeline: "Pipeline",
    out: str | Path,
    *,
    judged: Dataset | None = None,
    force: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Distilled:
    """The static student in the folder, fitted again with what the index got after it.

    Older documents are neither encoded nor read: their token counts and sums are kept with the
    student. `before` has the old student's fidelity on the newer chunks. Raises ConfigError for a
    folder that holds no static student of this index.
    """
    target = Path(out).expanduser()
    card = StudentCard.read(target)
    where = Index.of(pipeline)
    if card.kind != "static":
        raise ConfigError(
            f"{target} is a {card.kind} student, and only static ones can be refreshed; make it "
            "anew, with --force and without --refresh"
        )
    if card.teacher.fingerprint != where.fingerprint:
        raise ConfigError(
            f"{target} is a student of {card.teacher.model} as {card.teacher.fingerprint}; the "
            f"index was made with {where.fingerprint}"
        )
    made, before = refit(where.store, where.name, target, card, progress)
    return _finished(where, made, target, card.min_overlap, judged, force=force, before=before)


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
        """Raises ConfigError where the pipeline has no dense retriever, or its index no text."""
        store, passport = pipeline.store, pipeline.passport
        parts = pipeline._assembly.part("retrievers").values()
        names = [
            name
            for part in parts
            if isinstance(part, DenseRetriever)
            for name in part.representations
        ]
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


def check_output(out: str | Path, *, force: bool) -> Path:
    """The folder to write. Raises ConfigError for one that holds anything but a student."""
    folder = Path(out).expanduser()
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return folder
    if not (folder / CARD_FILE).is_file():
        raise ConfigError(f"{folder} is there and holds no student; give another folder")
    if not force:
        raise ConfigError(
            f"the student {folder} is there; give another folder, --refresh to take in newer "
            "documents, or --force to replace it"
        )
    return folder


def _finished(
    where: Index,
    made: Student,
    target: Path,
    min_overlap: float,
    judged: Dataset | None,
    *,
    force: bool,
    before: Fidelity | None,
) -> Distilled:
    """The student measured, and in its place where it is good enough."""
    pool = pool_of(where.store, where.name)
    documents = fidelity(pool, made.wanted, made.found)
    teacher = Teacher(model=where.model, fingerprint=where.fingerprint, dim=pool.vectors.shape[1])
    card = StudentCard(
        kind=made.kind,
        teacher=teacher,
        chunks=where.store.count(),
        last_row=made.last_row,
        documents=documents,
        min_overlap=min_overlap,
        settings=dict(made.settings),
    )
    with _beside(target) as folder:
        made.write(folder)
        card.save(folder)
        student = made.open(folder)
        card = card.model_copy(update=_measured(where, made, student, judged))
        reached = (card.queries or card.documents).overlap
        if reached < min_overlap:
            if not force:
                raise EncoderError(
                    f"the student is not written: its overlap@10 with the teacher is {reached:.3f},"
                    f" below {min_overlap:g} ({card.documents}). More documents make a better one, "
                    "or another kind; --force (force = True) writes it all the same"
                )
            card = card.model_copy(update={"forced": True})
        card.save(folder)
        put_in_place(folder, target)
    return Distilled(target, card, before)


def _measured(
    where: Index, made: Student, student: Encoder, judged: Dataset | None
) -> dict[str, Any]:
    """What the card says besides: queries, margin, judged collection, latency."""
    texts = _sentences(where.store, made.held_rows)
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
        "margin": margin(pool, wanted, found, SURE),
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


def _sentences(store: Store, rows: Rows) -> list[str]:
    chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), SENTENCES)).astype(np.int64)]
    with store.reading():
        known = set(np.concatenate(list(store.scan())).tolist())
        chunks = store.get(np.array([row for row in chosen.tolist() if row in known], np.int64))
    found = [sentence_of(chunk.text, place) for place, chunk in enumerate(chunks)]
    return [text for text in found if text]


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder beside the target's place, gone afterwards unless it was put there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
        folder = Path(made) / "new"
        folder.mkdir()
        yield folder
