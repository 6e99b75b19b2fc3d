"""A student made of an index: what it learns from, how it is judged, and where it goes."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from retrievo.encode.student.card import CARD_FILE, Fidelity, StudentCard, Teacher
from retrievo.errors import ConfigError, EncoderError
from retrievo.evaluate.datasets import Dataset
from retrievo.ingest.report import Progress
from retrievo.telling import tell
from retrievo.tune.distill.distilled import Distilled
from retrievo.tune.distill.fidelity import fidelity, pool_of
from retrievo.tune.distill.measuring import Index, check_landmarks, landmarks, last_row, measured
from retrievo.tune.distill.static_student import refit, static_fit
from retrievo.tune.distill.student import Student
from retrievo.tune.folders import put_in_place

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

Kind = Literal["static", "layers", "external"]

MIN_OVERLAP = 0.5


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
    return _finished(where, made, target, min_overlap, judged, force=force)


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
    check_landmarks(where.store, card.landmarks, target)
    made, before = refit(where.store, where.name, target, card, progress)
    return _finished(
        where, made, target, card.min_overlap, judged, force=force, before=before, refreshed=True
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
    before: Fidelity | None = None,
    refreshed: bool = False,
) -> Distilled:
    """The student measured, and in its place where it is good enough."""
    pool = pool_of(where.store, where.name)
    documents = fidelity(pool, made.wanted, made.found)
    teacher = Teacher(model=where.model, fingerprint=where.fingerprint, dim=pool.vectors.shape[1])
    card = StudentCard(
        kind=made.kind,
        teacher=teacher,
        chunks=where.store.count(),
        last_row=last_row(where.store),
        landmarks=landmarks(where.store),
        documents=documents,
        min_overlap=min_overlap,
        settings=dict(made.settings),
    )
    with _beside(target) as folder:
        made.write(folder)
        card.save(folder)
        student = made.open(folder)
        card = card.model_copy(update=measured(where, made, student, judged))
        reached = (card.queries or card.documents).overlap
        if reached < min_overlap:
            if refreshed:
                tell(
                    f"the refreshed student's overlap@10 is {reached:.3f}, below {min_overlap:g}: "
                    "it is written, for the older one is no better"
                )
            elif not force:
                raise EncoderError(
                    f"the student is not written: its overlap@10 with the teacher is {reached:.3f},"
                    f" below {min_overlap:g} ({card.documents}). More documents make a better one, "
                    "or another kind; --force (force = True) writes it all the same"
                )
            card = card.model_copy(update={"forced": True})
        card.save(folder)
        put_in_place(folder, target)
    return Distilled(target, card, before)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A folder beside the target's place, gone afterwards unless it was put there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as made:
        folder = Path(made) / "new"
        folder.mkdir()
        yield folder
