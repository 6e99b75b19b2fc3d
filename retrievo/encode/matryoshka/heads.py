"""Maps that make the vectors of a model usable where it was not trained for it, in closed form.

`slice` keeps the first numbers, which is right for a model trained with Matryoshka loss (Kusupati
et al. 2022). `pca` turns the space first, so that the first numbers carry the most on any model: an
uncentred singular value decomposition of document vectors; queries and documents take the same
rotation. `ridge` maps the vectors of a model that stops early into the space of the whole model,
so that a fast query meets documents that the whole model encoded.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import tell
from retrievo.types import Vectors

Kind = Literal["slice", "pca", "ridge"]
KINDS: tuple[Kind, ...] = ("slice", "pca", "ridge")

PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0)
"""What a ridge fit tries, in shares of the mean variance of its inputs' dimensions."""

LARGEST = 1e9
"""More than any number of a head: a ridge is at most half of √(dim / (least penalty · variance)),
and means and rotations are of unit vectors. Products with unit vectors are finite below it."""

_FEWEST = 20
_HELD_OUT = 0.2

Wide = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted map from the vectors of a model at `layers` layers.

    `matrix` is float32[dim in, dim out]: the rotation of `pca`, the weights of `ridge`; `slice` has
    none. `mean_in` and `mean_out` centre a ridge. `fitted_on` holds counts and what was chosen.
    """

    kind: Kind
    layers: int
    matrix: Vectors | None = None
    mean_in: Vectors | None = None
    mean_out: Vectors | None = None
    fitted_on: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """32 hex digits that change with any number of the map."""
        digest = hashlib.blake2b(json.dumps([self.kind, self.layers]).encode(), digest_size=16)
        for part in (self.matrix, self.mean_in, self.mean_out):
            if part is not None:
                digest.update(str(part.shape).encode() + np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def dim_out(self, dim_in: int) -> int:
        """The most dimensions that it gives for vectors of `dim_in`."""
        return dim_in if self.matrix is None else int(self.matrix.shape[1])

    def apply(self, vectors: Vectors, dim: int | None = None, *, normalize: bool = True) -> Vectors:
        """float32[n, dim], unit length unless `normalize` is False; a zero row stays zero.

        Without `dim` all that the map gives. A ridge takes the direction of its input only and has
        no fewer dimensions than the space it maps into. Raises ConfigError for a `dim` out of
        range, EncoderError for vectors of another size than it was fitted on.
        """
        wanted = None if self.matrix is None else int(self.matrix.shape[0])
        if vectors.ndim != 2 or (wanted is not None and vectors.shape[1] != wanted):
            raise EncoderError(
                f"the {self.kind} head of layer {self.layers} was fitted on vectors of {wanted} "
                f"dimensions, these have the shape {vectors.shape}; fit it with this model"
            )
        most = self.dim_out(vectors.shape[1])
        dim = most if dim is None else dim
        if not 1 <= dim <= most or (self.kind == "ridge" and dim != most):
            found = f"all {most}" if self.kind == "ridge" else f"1 to {most}"
            raise ConfigError(
                f"truncate_dim is {dim}; the {self.kind} head of layer {self.layers} gives {found}"
            )
        if self.matrix is None:
            made: Vectors = np.array(vectors[:, :dim], dtype=np.float32)
        elif self.mean_in is None or self.mean_out is None:
            made = np.asarray(vectors, dtype=np.float32) @ self.matrix[:, :dim]
        else:
            turned = (unit(vectors) - self.mean_in) @ self.matrix
            made = np.where(vectors.any(axis=1, keepdims=True), turned + self.mean_out, 0.0)
        return unit(made) if normalize else made


def unit(vectors: Vectors) -> Vectors:
    """The rows at length 1, float32; zero rows stay zero."""
    # In float64: the square of a number beyond 1e19 is infinite in float32, and 1e-23's is zero.
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))[:, None]
    norms[norms == 0] = 1.0
    made = np.empty(vectors.shape, dtype=np.float32)
    np.divide(vectors, norms, out=made, dtype=np.float64, casting="same_kind")
    return made


def unusable(head: Head) -> Iterator[str]:
    """What of the numbers of a head no fit gives, in words.

    They are finite float32 of at most LARGEST, a rotation's columns have length 1, and a ridge is
    not zero throughout, which would make a zero row of every text.
    """
    parts = {"matrix": head.matrix, "mean_in": head.mean_in, "mean_out": head.mean_out}
    for name, part in parts.items():
        if part is None:
            continue
        if part.dtype != np.float32 or not np.isfinite(part).all():
            yield f"the {name} is not finite float32"
        elif (largest := float(np.abs(part).max(initial=0.0))) > LARGEST:
            yield f"the {name} holds {largest:.2g}, more than the {LARGEST:.0e} that a fit can give"
        elif head.kind == "pca":
            lengths = np.linalg.norm(part, axis=0)
            if np.abs(lengths - 1).max(initial=0.0) > 1e-3:
                yield f"the columns of the {name} do not have length 1, as those of a rotation have"
    if not any(part is not None and part.any() for part in (head.matrix, head.mean_out)):
        yield "the map is zero throughout"


def fit_pca(documents: Vectors, *, layers: int, dims: int | None = None) -> Head:
    """The rotation whose first numbers carry the most of these document vectors, float32[n, dim].

    The right singular vectors of the unit rows, not centred, since cosine is measured from the
    origin; the first `dims` of them are kept. Zero rows (empty texts) do not count. Raises
    EncoderError, naming a row, for a non-finite number, and ConfigError for fewer than 20 rows;
    fewer rows than dimensions are told, because what lies past them is arbitrary.
    """
    rows = _usable("pca", documents)
    size = rows.shape[1]
    _, vectors = np.linalg.eigh(rows.T @ rows)
    rotation = vectors[:, ::-1][:, : dims or size]
    # Either sign is right; this one makes two fits comparable.
    largest = np.abs(rotation).argmax(axis=0)
    rotation = rotation * np.where(rotation[largest, np.arange(rotation.shape[1])] < 0, -1.0, 1.0)
    told = {"texts": len(rows), "left out": len(documents) - len(rows)}
    return Head("pca", layers, _narrow(rotation), fitted_on=told)


def fit_ridge(states: Vectors, targets: Vectors, *, layers: int, seed: int = 0) -> Head:
    """The linear map from unit `states` of an early layer to unit `targets` of the whole model.

    Both are float32[n, dim] of the same texts, and both are centred. The penalty is the one of
    PENALTIES with the highest mean cosine on a fifth of the texts, drawn by `seed` and held out;
    the map is then fitted on all. Raises and tells as `fit_pca` does; a row counts only where
    neither side is zero.
    """
    if len(states) != len(targets):
        raise EncoderError(
            f"a ridge head is fitted on pairs: {len(states)} states and {len(targets)} targets"
        )
    both = np.logical_and(states.any(axis=1), targets.any(axis=1))
    x, y = _usable("ridge", states, both), _usable("ridge", targets, both)
    order = np.random.default_rng(seed).permutation(len(x))
    held, fit = np.split(order, [max(1, round(len(x) * _HELD_OUT))])
    solve = _ridge(x[fit], y[fit])
    scores = [_mean_cosine(x[held], y[held], solve(penalty)) for penalty in PENALTIES]
    best = int(np.argmax(scores))
    matrix, mean_in, mean_out = _ridge(x, y)(PENALTIES[best])
    told = {
        "texts": len(x),
        "left out": len(states) - len(x),
        "penalty": PENALTIES[best],
        "held out": len(held),
        "cosine": round(scores[best], 4),
    }
    return Head("ridge", layers, _narrow(matrix), _narrow(mean_in), _narrow(mean_out), told)


def _narrow(part: Wide) -> Vectors:
    return np.ascontiguousarray(part, dtype=np.float32)


def _ridge(x: Wide, y: Wide) -> Any:
    """A function from a penalty to (weights, mean of x, mean of y); the costly part is shared."""
    mean_in, mean_out = x.mean(axis=0), y.mean(axis=0)
    centred = x - mean_in
    values, basis = np.linalg.eigh(centred.T @ centred)
    values = np.maximum(values, 0.0)  # rounding makes tiny negative ones of zeros
    turned = basis.T @ (centred.T @ (y - mean_out))
    # A share of the mean variance, so that the penalty means the same for any model and n. Some
    # models have constant dimensions, and a set of equal texts has no variance at all.
    spread = float(values.mean()) or 1.0
    return lambda penalty: (
        basis @ (turned / (values + penalty * spread)[:, None]),
        mean_in,
        mean_out,
    )


def _mean_cosine(x: Wide, y: Wide, fitted: tuple[Wide, Wide, Wide]) -> float:
    matrix, mean_in, mean_out = fitted
    made = (x - mean_in) @ matrix + mean_out
    norms = np.linalg.norm(made, axis=1)
    norms[norms == 0] = 1.0
    return float(np.mean(np.einsum("nd,nd->n", made, y) / norms))


def _usable(kind: Kind, vectors: Vectors, which: Any = None) -> Wide:
    """The rows that count, unit length, float64: one NaN would silently ruin the whole fit."""
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise EncoderError(
            f"{int(bad.sum())} of {len(vectors)} vectors for the {kind} head hold a number that is "
            f"not finite, the first in row {int(bad.argmax())}; encode these texts again"
        )
    rows = np.asarray(vectors[vectors.any(axis=1) if which is None else which], dtype=np.float64)
    if len(rows) < _FEWEST:
        raise ConfigError(
            f"a {kind} head is fitted on {len(rows)} texts that are not empty; at least {_FEWEST} "
            "are wanted, and more than the vectors have dimensions are needed for a good one"
        )
    if len(rows) < rows.shape[1]:
        tell(
            f"the {kind} head is fitted on {len(rows)} texts, fewer than the {rows.shape[1]} "
            "dimensions of their vectors: it fits these texts better than others; give it more",
            stacklevel=3,
        )
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows
