"""Linear maps from one space of vectors to another, in closed form.

Each fit takes x float64[n, dim new] and y float64[n, dim old], centred, and gives the matrix
float64[dim new, dim old]; `bias_of` says where its outputs stand.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from retrievo.encode.matryoshka.heads import unit
from retrievo.encode.space_map import Kind, SpaceMap
from retrievo.tune.migrate.paired import UnitPairs, Wide
from retrievo.types import Rows, Vectors

Shift = Literal["none", "query", "full"]

OLD_POWER = 0.3
"""How far an old query is whitened that is added to a mapped one. Of .3, .5, .7 and 1, the old
queries' own nDCG@10 was best or within .02 of it at .3, on three collections and two encoders."""

_FLOOR = 1e-3
"""A share of the mean variance, added to each: constant dimensions have none."""


def procrustes(x: Wide, y: Wide) -> Wide:
    """The matrix with orthonormal columns, or rows where they are fewer, that brings x next to y.

    Schoenemann 1966: U Vᵀ of the singular value decomposition of xᵀ y.
    """
    left, _, right = np.linalg.svd(x.T @ y, full_matrices=False)
    turned: Wide = left @ right
    return turned


def whitened(x: Wide, y: Wide, *, new: float, old: float, weight: float) -> Wide:
    """A rotation between spaces whose few wide directions no longer drown the many narrow ones.

    Artetxe, Labaka, Agirre 2018 (AAAI), "a multi-step framework of linear transformations":
    Cx^-new · U S^weight Vᵀ · Cy^-old, where U S Vᵀ = Cx^-new · Cxy · Cy^-old. Powers of 0 give
    `procrustes`; new = .5, weight = 1, old = 0 least squares.
    """
    from_new, to_old = _power(x, -new), _power(y, -old)
    left, values, right = np.linalg.svd(from_new @ (x.T @ y) @ to_old, full_matrices=False)
    shares = values / (float(values[0]) or 1.0)
    made: Wide = from_new @ (left * shares**weight) @ right @ to_old
    return made


def ridge(x: Wide, y: Wide, *, penalty: float) -> Wide:
    """Least squares with a penalty, in shares of the mean variance of x.

    Hoerl, Kennard 1970: (xᵀ x + λ I)⁻¹ xᵀ y.
    """
    return np.asarray(np.linalg.solve(_penalised(x, penalty), x.T @ y), dtype=np.float64)


def low_rank(x: Wide, y: Wide, *, penalty: float, rank: int) -> Wide:
    """The best matrix of that rank for the loss of `ridge`: reduced-rank regression, Izenman 1975.

    The ridge solution W, projected on the first right singular vectors of what it gives, which are
    the eigenvectors of Wᵀ (xᵀ x + λ I) W.
    """
    full = ridge(x, y, penalty=penalty)
    _, vectors = np.linalg.eigh(full.T @ _penalised(x, penalty) @ full)
    first = vectors[:, ::-1][:, :rank]
    made: Wide = full @ first @ first.T
    return made


def relative(vectors: Wide, anchors: Wide, centre: Wide) -> Wide:
    """Cosines to the anchors after centring, float64[n, len(anchors)].

    Moschella et al. 2023: the same texts as anchors make two spaces comparable without a fit. The
    stored documents would have to be transformed as well as the queries, so that it stands in a
    report for comparison and cannot serve an index as it is.
    """
    made: Wide = _scaled(vectors - centre) @ _scaled(anchors - centre).T
    return made


def old_turn(documents: Wide) -> Wide:
    """float64[dim old, dim old]: whitens an old query in part, by the documents' covariance."""
    return _power(documents - documents.mean(axis=0), -OLD_POWER)


SETTINGS: Mapping[Kind, tuple[Mapping[str, float], ...]] = {
    "procrustes": ({},),
    "whitened": (
        {"new": 0.35, "old": 0.35, "weight": 1.0},
        {"new": 0.25, "old": 0.35, "weight": 0.5},
    ),
    "ridge": tuple({"penalty": penalty} for penalty in (0.01, 0.03, 0.1, 0.3, 1.0)),
    "low-rank": tuple({"penalty": 0.03, "rank": rank} for rank in (64, 128, 192)),
}
"""What each linear fit tries; the settings with the best figures on held-out texts are taken. The
powers of `whitened` are those that served best in the mean of three collections, static vectors to
a transformer's and back; .05 more or less of either changed the mean by .03 of the old nDCG@10 at
most."""

SHIFTS: Mapping[Kind, tuple[Shift, ...]] = {
    "procrustes": ("none", "query", "full"),
    "whitened": ("none",),
    "ridge": ("query", "full"),
    "low-rank": ("query", "full"),
}
FITS: Mapping[Kind, Callable[..., Wide]] = {
    "procrustes": procrustes,
    "whitened": whitened,
    "ridge": ridge,
    "low-rank": low_rank,
}


class Fitting:
    """Documents made ready for the fits: `x` and `y` centred, `new` and `old` as they are.

    `documents` are the rows of `pairs` to fit on. Sentences are not fitted: maps of documents alone
    served real queries better (.94 of the old nDCG@10 against .92 in the mean of six cases), since
    what they have to find is documents.
    """

    def __init__(self, pairs: UnitPairs, documents: Rows) -> None:
        self.new, self.old = pairs.new_documents[documents], pairs.old_documents[documents]
        self.x, self.y = self.new - self.new.mean(axis=0), self.old - self.old.mean(axis=0)
        # Of all queries, held out or not: a mean says nothing of which text is next to which.
        self.query_mean = pairs.new_queries.mean(axis=0)

    def bias_of(self, matrix: Wide, shift: Shift) -> Wide:
        """float64[dim old], added to x @ matrix.

        `none` leaves directions from the origin; `query` takes the mean query out, which differs
        from the mean document; `full` goes from the documents' mean to their mean in the old space,
        at the length that least squares gives the matrix.
        """
        if shift == "none":
            return np.zeros(matrix.shape[1])
        if shift == "query":
            taken: Wide = -self.query_mean @ matrix
            return taken
        made = self.x @ matrix
        scale = np.vdot(made, self.y) / (np.vdot(made, made) or 1.0)
        bias: Wide = self.old.mean(axis=0) / (scale or 1.0) - self.new.mean(axis=0) @ matrix
        return bias


def linear_map(kind: Kind, matrix: Wide, bias: Wide, told: Mapping[str, object]) -> SpaceMap:
    """The map of a fit, of the mean length that unit vectors have: only its direction counts."""
    length = float(np.linalg.norm(matrix)) or 1.0
    scale = np.sqrt(min(matrix.shape)) / length
    return SpaceMap(kind, narrow(matrix * scale), narrow(bias * scale), told=dict(told))


def narrow(part: Wide) -> Vectors:
    """The numbers as float32, row after row."""
    return np.ascontiguousarray(part, dtype=np.float32)


def _penalised(x: Wide, penalty: float) -> Wide:
    gram: Wide = x.T @ x
    spread = float(np.trace(gram)) / len(gram) or 1.0
    gram[np.diag_indices_from(gram)] += penalty * spread
    return gram


def _power(x: Wide, power: float) -> Wide:
    """The covariance of x in shares of its mean variance, to a power; symmetric."""
    values, vectors = np.linalg.eigh(x.T @ x)
    values = np.maximum(values, 0.0)  # rounding makes tiny negative ones of zeros
    values = values / (values.mean() or 1.0) + _FLOOR
    made: Wide = (vectors * values**power) @ vectors.T
    return made


def _scaled(rows: Wide) -> Wide:
    return np.asarray(unit(np.asarray(rows, dtype=np.float32)), dtype=np.float64)
