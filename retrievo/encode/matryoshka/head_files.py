"""The heads of one model in a folder: one safetensors file, whose metadata say what they fit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from retrievo.encode.matryoshka.heads import Head, Kind, unusable
from retrievo.encode.tensor_file import write_tensors
from retrievo.errors import ConfigError
from retrievo.types import Vectors

HEADS_FILE = "heads.safetensors"
_FORMAT = "retrievo-heads-1"
_PARTS = ("matrix", "mean_in", "mean_out")


class _OfHead(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Kind
    layers: int
    fitted_on: dict[str, Any]


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")
    model: str
    fingerprint: str
    layers: int
    dim: int
    heads: list[_OfHead]


@dataclass(frozen=True, slots=True)
class Heads:
    """What was fitted for one model: a `pca` for some depths, a `ridge` for those below the last.

    `fingerprint` is that of the whole encoder (all layers and dimensions, with its prompts): the
    space that every ridge maps into, and so what a query encoder with one is aligned to. `layers`
    and `dim` are the whole model's.
    """

    model: str
    fingerprint: str
    layers: int
    dim: int
    heads: tuple[Head, ...]

    def head(self, kind: Kind, layers: int | None = None) -> Head:
        """The head of that kind for a depth, None for the whole model's.

        A `slice` needs no fit and is always there. Raises ConfigError, naming those that are.
        """
        depth = self.layers if layers is None else layers
        if kind == "slice":
            return Head("slice", depth)
        for one in self.heads:
            if (one.kind, one.layers) == (kind, depth):
                return one
        there = ", ".join(f"{one.kind} at {one.layers}" for one in self.heads) or "none"
        raise ConfigError(
            f"there is no {kind} head at {depth} layers in the heads of {self.model} (there are: "
            f"{there}); fit one: retrievo calibrate TEXTS --layers {depth} --save-heads DIR"
        )

    def check(self, fingerprint: str, model: str) -> None:
        """Raise ConfigError unless they were fitted for the encoder with this fingerprint."""
        if self.fingerprint != fingerprint:
            raise ConfigError(
                f"the heads were fitted for {self.model} as {self.fingerprint}, this encoder is "
                f"{model} as {fingerprint}: other weights, prompts or length; fit heads for this "
                "one: retrievo calibrate TEXTS --save-heads DIR"
            )

    def save(self, folder: str | Path) -> Path:
        """The file written in the folder, which is made where it is not there."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        header = _Header(
            model=self.model,
            fingerprint=self.fingerprint,
            layers=self.layers,
            dim=self.dim,
            heads=[
                _OfHead(kind=one.kind, layers=one.layers, fitted_on=dict(one.fitted_on))
                for one in self.heads
            ],
        )
        tensors = {
            f"{at}.{part}": found
            for at, one in enumerate(self.heads)
            for part in _PARTS
            if (found := getattr(one, part)) is not None
        }
        path = folder / HEADS_FILE
        write_tensors(path, tensors, {"format": _FORMAT, "header": header.model_dump_json()})
        return path

    @classmethod
    def load(cls, folder: str | Path) -> "Heads":
        """The heads in the folder. Raises ConfigError where there are none that can be used."""
        path = Path(folder).expanduser() / HEADS_FILE
        again = "fit them again: retrievo calibrate TEXTS --save-heads DIR"
        if not path.is_file():
            raise ConfigError(f"there are no heads at {path}; {again}")
        try:
            with safe_open(path, framework="np") as file:
                told = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"the heads {path} cannot be read: {error}; {again}") from error
        except (AttributeError, KeyError, TypeError) as error:  # formats that numpy has not
            raise ConfigError(
                f"the heads {path} hold numbers of a format that is not float32 ({error}); {again}"
            ) from error
        if told.get("format") != _FORMAT:
            raise ConfigError(
                f"{path} is of the format {told.get('format')!r}, {_FORMAT!r} is wanted; {again}"
            )
        try:
            header = _Header.model_validate_json(told.get("header", ""))
        except ValidationError as error:
            found = error.errors()[0]
            raise ConfigError(
                f"{path} has a damaged header ({found['msg']} at {found['loc']}); {again}"
            ) from error
        heads = []
        for at, one in enumerate(header.heads):
            matrix, mean_in, mean_out = (tensors.get(f"{at}.{part}") for part in _PARTS)
            heads.append(Head(one.kind, one.layers, matrix, mean_in, mean_out, one.fitted_on))
        if wrong := next(_wrong(heads, header.dim), None):
            raise ConfigError(f"{path} is damaged: {wrong}; {again}")
        return cls(header.model, header.fingerprint, header.layers, header.dim, tuple(heads))


def _wrong(heads: Iterable[Head], dim: int) -> Iterator[str]:
    """What cannot be true of heads for vectors of `dim` dimensions, in words."""
    for one in heads:
        name = f"the {one.kind} head at {one.layers} layers"
        parts: dict[str, Vectors | None] = {part: getattr(one, part) for part in _PARTS}
        matrix = parts["matrix"]
        if matrix is None or matrix.ndim != 2 or matrix.shape[0] != dim or matrix.shape[1] > dim:
            yield f"{name} has the matrix {None if matrix is None else matrix.shape}"
            continue
        means = [parts["mean_in"], parts["mean_out"]]
        wanted = [None, None] if one.kind == "pca" else [(dim,), (matrix.shape[1],)]
        if [None if mean is None else mean.shape for mean in means] != wanted:
            yield f"{name} has the wrong means"
        for wrong in unusable(one):
            yield f"of {name} {wrong}"
