"""The declared ladder of a model: at which (layers, dim) it may be cut, and what each cut is worth.

A ladder is two files in the folder of a SentenceTransformer: `ladder.json`, which names the points
with their measured scores, and `ladder.safetensors`, which holds the heads of those points that
have one. Zhuang et al. 2024, Starbucks: Improved Training for 2D Matryoshka Embeddings, trains a
fixed list of such points. What is not a declared point was not measured, and is not given.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from retrievo.encode.matryoshka.heads import Head, unusable
from retrievo.errors import ConfigError, EncoderError

LADDER_FILE = "ladder.json"
HEADS_FILE = "ladder.safetensors"

Cut = tuple[int, int]
"""Layers and dim of a point."""

Positive = Annotated[int, Field(ge=1)]
Scores = dict[str, Annotated[float, Field(ge=0, le=1)]]


class Point(BaseModel):
    """A cut, and its scores by metric: of the raw model, with a fitted head only, and trained.

    `overlap@10` is the share of the full original model's ten nearest texts that the cut finds
    among its own ten; `ndcg@10`, where it was measured, comes from a judged collection. `head` is
    "ridge" where the vectors go through a map of the heads' file, "slice" where they are only cut.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: Positive
    dim: Positive
    head: Literal["slice", "ridge"] = "slice"
    raw: Scores
    fitted: Scores = {}
    trained: Scores

    @property
    def cut(self) -> Cut:
        return (self.layers, self.dim)

    def __str__(self) -> str:
        return f"{self.layers}:{self.dim}"


class Ladder(BaseModel):
    """The declared points of a model, those that were measured and refused, and how it was made.

    `layers` and `dim` are the full model's. `fingerprints` tells by number format which weights it
    was trained with (`ladder_fingerprint` of the folder's model). `training` says what it was
    trained on and how.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    model: str
    layers: Positive
    dim: Positive
    fingerprints: dict[str, str]
    method: str
    points: tuple[Point, ...]
    refused: tuple[Point, ...] = ()
    training: dict[str, Any] = {}

    @model_validator(mode="after")
    def _fits(self) -> "Ladder":
        seen: set[Cut] = set()
        for point in (*self.points, *self.refused):
            if point.layers > self.layers or point.dim > self.dim:
                raise ValueError(
                    f"the point {point} is beyond the model's {self.layers}:{self.dim}"
                )
            if point.cut in seen:
                raise ValueError(f"the point {point} stands there twice")
            seen.add(point.cut)
        return self

    def find(self, layers: int | None, dim: int | None) -> Point | None:
        """The declared point of exactly `layers` and `dim`, None meaning the full model's."""
        wanted = (layers or self.layers, dim or self.dim)
        return next((point for point in self.points if point.cut == wanted), None)

    def point(self, layers: int | None, dim: int | None) -> Point:
        """As `find`; raises ConfigError, naming the declared points, where there is none.

        A dim between two declared ones is refused too: what it is worth was not measured.
        """
        found = self.find(layers, dim)
        if found is not None:
            return found
        wanted = (layers or self.layers, dim or self.dim)
        refused = next((point for point in self.refused if point.cut == wanted), None)
        why = "is not declared"
        if refused is not None:
            scores = ", ".join(f"{name} {value:.3f}" for name, value in refused.trained.items())
            why = f"was measured and refused ({scores})"
        known = ", ".join(str(point.cut) for point in self.points) or "none"
        raise ConfigError(
            f"(layers, truncate_dim) = {wanted} {why} in the ladder of {self.model}; declared are "
            f"{known}"
        )


def read_ladder(folder: str | Path) -> Ladder | None:
    """The ladder that the model in the folder declares; None without a `ladder.json`.

    Raises EncoderError where the file cannot be read as a ladder.
    """
    path = Path(folder).expanduser() / LADDER_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EncoderError(f"the ladder {path} cannot be read: {error}") from error
    try:
        return Ladder.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EncoderError(
            f"{path} is no ladder: {f'{place}: ' if place else ''}{first['msg']}; "
            "train the ladder again, or delete the file to use the full model only"
        ) from error


def read_heads(folder: str | Path, ladder: Ladder) -> dict[Cut, Head]:
    """The heads of the ladder's points, by (layers, dim); a point without one has no entry.

    A head reads the vectors of the model that stops at its layers, and gives the point's. Raises
    EncoderError where one is missing, has the wrong shape or numbers that no fit gives.
    """
    wanted = [p for p in (*ladder.points, *ladder.refused) if p.head == "ridge"]
    if not wanted:
        return {}
    path = Path(folder).expanduser() / HEADS_FILE
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise EncoderError(f"the heads of the ladder {path} cannot be read: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:  # number formats that numpy has not
        raise EncoderError(
            f"the heads of the ladder {path} hold numbers of a format that is not float32 "
            f"({error}); train the ladder again"
        ) from error
    heads = {}
    for point in wanted:
        shapes = {"matrix": (ladder.dim, point.dim), "mean_in": (ladder.dim,)}
        shapes["mean_out"] = (point.dim,)
        parts: dict[str, Any] = {part: found.get(f"{point}.{part}") for part in shapes}
        for part, array in parts.items():
            shape = None if array is None else array.shape
            if array is None or shape != shapes[part]:
                raise EncoderError(
                    f"{path} has for {point} no {part} of the shape {shapes[part]} but "
                    f"{shape or 'none'}; train the ladder again"
                )
        head = Head("ridge", point.layers, **parts)
        if wrong := next(unusable(head), None):
            raise EncoderError(f"{path} is damaged: for {point} {wrong}; train the ladder again")
        heads[point.cut] = head
    return heads


def write_ladder(
    folder: str | Path, ladder: Ladder, heads: Mapping[Cut, Head] | None = None
) -> None:
    """Write the ladder, and the heads of its points, beside the model in the folder."""
    folder = Path(folder)
    wanted = {p.cut for p in (*ladder.points, *ladder.refused) if p.head == "ridge"}
    heads = heads or {}
    if set(heads) != wanted:
        raise ValueError(f"the ladder names heads for {wanted}, given are {set(heads)}")
    if heads:
        parts = {
            f"{layers}:{dim}.{part}": np.ascontiguousarray(getattr(head, part), dtype=np.float32)
            for (layers, dim), head in heads.items()
            for part in ("matrix", "mean_in", "mean_out")
        }
        save_file(parts, folder / HEADS_FILE)
    told = json.dumps(ladder.model_dump(mode="json"), indent=2)
    (folder / LADDER_FILE).write_text(told + "\n", encoding="utf-8")
