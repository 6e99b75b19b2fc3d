"""What a calibration found: the grid, as a table, a drawing, numbers, and the heads it fitted."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retrievo.encode.matryoshka.head_files import Heads
from retrievo.encode.matryoshka.heads import Kind
from retrievo.errors import MissingExtraError

NO_MATPLOTLIB = (
    "the drawing of a calibration needs matplotlib, which is not installed; run: pip install "
    "matplotlib, or leave --plot out: the table and --json have the same numbers"
)

_BYTES = 4  # of a number in float32


@dataclass(frozen=True, slots=True)
class Point:
    """One cut of a model and what it is worth.

    `overlap` is the share of the whole model's ten nearest documents that the cut finds among its
    own ten, in [0, 1]. `cost` is the time to encode a text, as a share of the whole model's.
    `bytes` are those of a document's vector in float32. With a ridge only the queries are cut:
    the documents are the whole model's.
    """

    layers: int
    dim: int
    head: Kind
    overlap: float
    cost: float

    @property
    def bytes(self) -> int:
        return self.dim * _BYTES

    @property
    def documents(self) -> str:
        """Whose documents its queries meet."""
        return "whole model" if self.head == "ridge" else "same cut"


@dataclass(frozen=True, slots=True)
class Calibration:
    """The grid of (layers, dim, head) on the user's own texts, and heads fitted on all of them.

    Measured on `documents` texts that no measured head was fitted on, with `queries` queries,
    which are given ones or sentences of those documents (`queries_from`). `k` is 10, or fewer
    where there are fewer documents.
    """

    points: tuple[Point, ...]
    heads: Heads
    texts: int
    documents: int
    queries: int
    queries_from: str
    k: int

    def __str__(self) -> str:
        rows = [("layers", "dim", "head", "documents by", f"overlap@{self.k}", "cost", "bytes")]
        rows += [
            (
                str(point.layers),
                str(point.dim),
                point.head,
                point.documents,
                f"{point.overlap:.3f}",
                f"{point.cost:.2f}",
                str(point.bytes),
            )
            for point in self.points
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(_cell, row, widths)).rstrip() for row in rows]
        return (
            f"{self.heads.model}: {self.heads.layers} layers, {self.heads.dim} dimensions; "
            f"{self.documents} documents held out of {self.texts} texts, {self.queries} queries "
            f"({self.queries_from})\n" + "\n".join(lines)
        )

    def point(self, layers: int, dim: int, head: Kind) -> Point:
        """The measured cut. Raises KeyError where it was not measured."""
        for one in self.points:
            if (one.layers, one.dim, one.head) == (layers, dim, head):
                return one
        raise KeyError(f"({layers}, {dim}, {head!r}) was not measured")

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and words, for JSON."""
        return {
            "model": self.heads.model,
            "fingerprint": self.heads.fingerprint,
            "layers": self.heads.layers,
            "dim": self.heads.dim,
            "texts": self.texts,
            "documents": self.documents,
            "queries": self.queries,
            "queries_from": self.queries_from,
            "k": self.k,
            "points": [
                {**asdict(point), "bytes": point.bytes, "documents": point.documents}
                for point in self.points
            ],
        }

    def save_heads(self, folder: str | Path) -> Path:
        """The file with the heads, for `heads = FOLDER` of an encoder."""
        return self.heads.save(folder)

    def plot(self, path: str | Path) -> Path:
        """The grid drawn into a file (.png, .svg, .pdf): overlap against bytes, and against cost.

        Raises MissingExtraError without matplotlib.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingExtraError(NO_MATPLOTLIB) from error
        figure = Figure(figsize=(10, 4), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for head in ("slice", "pca"):
            whole = [p for p in self._of(head) if p.layers == self.heads.layers]
            left.plot([p.bytes for p in whole], [p.overlap for p in whole], "o-", label=head)
        widest = max(point.dim for point in self.points)
        for head in ("slice", "pca", "ridge"):
            cuts = [p for p in self._of(head) if p.dim == widest]
            right.plot([p.cost for p in cuts], [p.overlap for p in cuts], "o-", label=head)
            for p in cuts:
                right.annotate(str(p.layers), (p.cost, p.overlap), fontsize=8)
        left.set(xlabel="bytes a vector (all layers)", ylabel=f"overlap@{self.k}", ylim=(0, 1.02))
        right.set(xlabel=f"cost of a text (numbers: layers; {widest} dimensions)")
        left.legend()
        right.legend()
        figure.suptitle(self.heads.model)
        figure.savefig(path)
        return Path(path)

    def _of(self, head: str) -> Sequence[Point]:
        found = [point for point in self.points if point.head == head]
        return sorted(found, key=lambda point: (point.layers, point.dim))


def _cell(text: str, width: int) -> str:
    return text.ljust(width) if text[:1].isalpha() else text.rjust(width)
