"""A map from the query vectors of a new encoder into the space of an index that an old one made.

Drift-Adapter (EMNLP 2025): instead of encoding all documents again, a query of the new encoder is
mapped to where the old one would have put it, and searches the stored vectors at once.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from retrievo.encode.matryoshka.heads import unit
from retrievo.encode.tensor_file import write_tensors
from retrievo.errors import ConfigError, EncoderError
from retrievo.types import Vectors

Kind = Literal["procrustes", "whitened", "ridge", "low-rank", "mlp"]

MAP_FILE = "space_map.safetensors"
_FORMAT = "retrievo-space-map-1"
_PARTS = ("matrix", "bias", "hidden", "hidden_bias", "output", "old")
_AGAIN = "fit the map again"


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Kind
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SpaceMap:
    """A fitted map of unit vectors x: x @ matrix + bias, made unit length.

    `matrix` is float32[dim in, dim out], `bias` float32[dim out]. An `mlp` adds
    tanh(x @ hidden + hidden_bias) @ output. With `old`, float32[dim out, dim out], a query is the
    sum of its mapped vector and of the old encoder's own, turned by `old` (see `join`). `told` says
    what was fitted on what, in JSON's values. Raises ConfigError for parts that do not fit.
    """

    kind: Kind
    matrix: Vectors
    bias: Vectors
    hidden: Vectors | None = None
    hidden_bias: Vectors | None = None
    output: Vectors | None = None
    old: Vectors | None = None
    told: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if wrong := next(_wrong(self), None):
            raise ConfigError(f"this is no {self.kind} map: {wrong}; {_AGAIN}")

    @property
    def dim_in(self) -> int:
        """Dimensions of the vectors that it takes."""
        return int(self.matrix.shape[0])

    @property
    def dim_out(self) -> int:
        """Dimensions of the vectors that it gives, those of the index."""
        return int(self.matrix.shape[1])

    @property
    def fingerprint(self) -> str:
        """32 hex digits that change with any number of the map."""
        digest = hashlib.blake2b(self.kind.encode(), digest_size=16)
        for name, part in _parts(self).items():
            digest.update(f"{name} {part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def apply(self, vectors: Vectors) -> Vectors:
        """Unit vectors, float32[n, dim_out]; only the direction of the input counts.

        A zero row stays zero. Raises EncoderError for vectors of another size, and, naming the row,
        for a number that is not finite.
        """
        if vectors.shape == (1, self.dim_in) and self.hidden is None:
            return self._apply_one(vectors)
        lengths = _lengths(vectors, self.dim_in)
        # By its length, not divided by it: a zero row stays zero with no look at each row.
        made = vectors @ self.matrix + lengths * self.bias
        if self.hidden is not None and self.hidden_bias is not None and self.output is not None:
            inner = np.tanh(unit(vectors) @ self.hidden + self.hidden_bias)
            made += lengths * (inner @ self.output)
        return unit(made)

    def _apply_one(self, vectors: Vectors) -> Vectors:
        # A query at a time is the rule in use, and numpy's calls cost as much as the product.
        row = vectors[0]
        squares = float(row.dot(row))
        if not math.isfinite(squares):
            _lengths(vectors, self.dim_in)
        made: Vectors = row @ self.matrix
        made += np.float32(math.sqrt(squares)) * self.bias
        if squares := float(made.dot(made)):
            made *= np.float32(1.0 / math.sqrt(squares))
        return made[None]

    def join(self, mapped: Vectors, old: Vectors) -> Vectors:
        """Unit vectors, float32[n, dim_out]: the mapped vectors and the old encoder's, added.

        The old encoder's vectors of the same texts count as much as the mapped ones. Raises
        EncoderError as `apply` does, ConfigError for a map that was not fitted for both.
        """
        if self.old is None:
            raise ConfigError("this map was fitted to stand alone: it takes no old vectors")
        _lengths(old, self.dim_out)
        return unit(mapped + unit(old @ self.old))

    def save(self, folder: str | Path) -> Path:
        """The file written in the folder, which is made where it is not there."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        header = _Header(kind=self.kind, told=dict(self.told)).model_dump_json()
        path = folder / MAP_FILE
        write_tensors(path, _parts(self), {"format": _FORMAT, "header": header})
        return path

    @classmethod
    def load(cls, folder: str | Path) -> "SpaceMap":
        """The map in the folder. Raises ConfigError where there is none that can be used."""
        path = Path(folder).expanduser() / MAP_FILE
        if not path.is_file():
            raise ConfigError(f"there is no map at {path}; {_AGAIN}")
        try:
            with safe_open(path, framework="np") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"the map {path} cannot be read: {error}; {_AGAIN}") from error
        except (AttributeError, KeyError, TypeError) as error:  # formats that numpy has not
            raise ConfigError(
                f"the map {path} holds numbers that are not float32 ({error}); {_AGAIN}"
            ) from error
        if metadata.get("format") != _FORMAT:
            raise ConfigError(
                f"{path} is of the format {metadata.get('format')!r}, {_FORMAT!r} is wanted; "
                f"{_AGAIN}"
            )
        if strange := sorted(tensors.keys() - set(_PARTS)) or {"matrix", "bias"} - tensors.keys():
            raise ConfigError(f"{path} is damaged: {sorted(strange)} do not belong; {_AGAIN}")
        try:
            header = _Header.model_validate_json(metadata.get("header", ""))
        except ValidationError as error:
            found = error.errors()[0]
            raise ConfigError(
                f"{path} has a damaged header ({found['msg']} at {found['loc']}); {_AGAIN}"
            ) from error
        try:
            return cls(header.kind, told=header.told, **tensors)
        except ConfigError as error:
            raise ConfigError(f"{path} is damaged: {error}") from error


def _parts(space_map: SpaceMap) -> dict[str, Vectors]:
    found = {name: getattr(space_map, name) for name in _PARTS}
    return {name: part for name, part in found.items() if part is not None}


def _wrong(space_map: SpaceMap) -> Iterator[str]:
    """What cannot be true of a map, in words."""
    if space_map.kind not in get_args(Kind):
        yield f"the kind is {space_map.kind!r}, one of {', '.join(get_args(Kind))} is wanted"
    parts = _parts(space_map)
    for name, part in parts.items():
        if part.dtype != np.float32 or not np.isfinite(part).all():
            yield f"its {name} is not finite float32"
    if parts["matrix"].ndim != 2 or not parts["matrix"].size:
        yield f"its matrix has the shape {parts['matrix'].shape}"
        return
    dim_in, dim_out = parts["matrix"].shape
    wanted: dict[str, tuple[int, ...]] = {"matrix": (dim_in, dim_out), "bias": (dim_out,)}
    if space_map.kind == "mlp":
        width = parts["hidden"].shape[-1] if "hidden" in parts else 0
        wanted |= {"hidden": (dim_in, width), "hidden_bias": (width,), "output": (width, dim_out)}
    if "old" in parts:
        wanted["old"] = (dim_out, dim_out)
    found = {name: part.shape for name, part in parts.items()}
    if found != wanted:
        yield f"its parts have the shapes {found}, {wanted} are wanted"
    elif not any(parts[name].any() for name in ("matrix", "bias")):
        yield "it is zero throughout"


def _lengths(vectors: Vectors, dim: int) -> Vectors:
    """float32[n, 1]: the lengths of the rows, all finite."""
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise EncoderError(
            f"the map takes vectors of {dim} dimensions, these have the shape {vectors.shape}; "
            "use it with the encoder that it was fitted for"
        )
    lengths: Vectors = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    if not np.isfinite(lengths).all():
        row = int((~np.isfinite(lengths[:, 0])).argmax())
        raise EncoderError(
            f"the vector in row {row} of {len(vectors)} holds a number that is not finite or too "
            "large to be one of an encoder; encode this text again",
            texts=[row],
        )
    return lengths
