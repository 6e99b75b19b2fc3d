"""What a student says of itself: whose queries it encodes, and how well; one JSON file."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from retrievo.errors import ConfigError

CARD_FILE = "student.json"
KINDS = ("static", "layers", "external")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Teacher(_Part):
    """The document encoder that the student stands in for, as the index knows it."""

    model: str
    fingerprint: str
    dim: int


class Fidelity(_Part):
    """How near a student is to its teacher on `texts` texts that it was not fitted on.

    `cosine` is the mean cosine of the two vectors of a text. `overlap` is the mean share of the
    teacher's `k` nearest of `documents` stored vectors that are among the student's `k` nearest.
    """

    texts: int
    documents: int
    cosine: float
    overlap: float
    k: int = 10

    def __str__(self) -> str:
        return (
            f"cosine {self.cosine:.3f}, overlap@{self.k} {self.overlap:.3f} on {self.texts} texts "
            f"and {self.documents} documents"
        )


class Judgement(_Part):
    """nDCG@10 on a judged collection: its queries by the student and by the teacher."""

    dataset: str
    queries: int
    student: float
    teacher: float


class Latency(_Part):
    """CPU milliseconds of encoding one query, the median."""

    student_ms: float
    teacher_ms: float

    @property
    def ratio(self) -> float:
        """How many times cheaper the student is."""
        return self.teacher_ms / max(self.student_ms, 1e-6)


class StudentCard(_Part):
    """A student of one index.

    `queries` is measured with sentences of held-out documents, both sides encoded as queries;
    `documents` with the held-out documents themselves and their stored vectors, which needs no
    teacher and so can be measured again when the index has grown. `last_row` is the highest row of
    the index when the student was made, `landmarks` the chunk ids of some rows, by which it knows
    its index. `margin` is the least gap, between the scores of the first and the tenth document,
    above which the teacher's first is among the student's ten as often as was asked; below it a
    student is unsure.
    """

    format: Literal[1] = 1
    kind: Literal["static", "layers", "external"]
    teacher: Teacher
    chunks: int
    last_row: int
    landmarks: dict[int, str] = {}
    documents: Fidelity
    queries: Fidelity | None = None
    margin: float | None = None
    judged: Judgement | None = None
    latency: Latency | None = None
    min_overlap: float
    forced: bool = False
    settings: dict[str, Any] = {}

    def save(self, folder: Path) -> None:
        """Write the card into the folder of its student, whole or not at all."""
        path, part = folder / CARD_FILE, folder / f"{CARD_FILE}.part"
        part.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        os.replace(part, path)

    @classmethod
    def read(cls, folder: str | Path) -> "StudentCard":
        """The card in the folder. Raises ConfigError where there is none that can be read."""
        path = Path(folder).expanduser() / CARD_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError:
            raise ConfigError(
                f"{path} is not there: {path.parent} is no student; make one with "
                f"`retrievo distill --index DIR --out {path.parent}`"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise ConfigError(
                f"{path} is no card of a student ({where}: {first['msg']}); make the student again "
                "with `retrievo distill`"
            ) from None
