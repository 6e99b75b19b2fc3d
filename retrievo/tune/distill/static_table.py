"""The token table of a static student, fitted on the vectors that an index holds: no labels, no
queries, no call of the teacher.

The ridge of `normal_equations` is solved by conjugate gradients, whose early stop is a further
penalty; both are chosen by the mean cosine of documents that are held out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrievo.encode.matryoshka.heads import unit
from retrievo.errors import ConfigError
from retrievo.tune.distill.normal_equations import NormalEquations
from retrievo.tune.distill.token_statistics import TokenStatistics
from retrievo.types import Vectors

PENALTIES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
PENALTY, STEPS = 0.2, 15
"""Where the search starts, and what is taken where too few documents are there to choose by."""

QUERY_BIAS = 0.5
"""The share of the documents' mean that is in every query; all of it draws short ones together."""

_MOST_STEPS, _PATIENCE, _LEAST_GAIN = 40, 4, 1e-3
_LAST_STEPS = 8  # to take in the held-out documents, from what the others have taught
_PROJECTED = 64
_FEWEST = 100


@dataclass(frozen=True, slots=True)
class StaticTable:
    """A query is the bias and the weighted sum of the rows of its tokens and pairs, at length 1.

    `table` is float32[tokens and pairs, dim], `bias` float32[dim]; `told` says what was chosen and
    seen. `held_out` are the unit vectors, float32[held out, dim], that a student fitted without the
    held-out documents gives their texts, in the order of `held_rows`; None where too few are there.
    `before` is that student's table, to measure with; the table itself where there is none.
    """

    table: Vectors
    bias: Vectors
    told: Mapping[str, Any]
    held_out: Vectors | None
    before: Vectors


def fit_table(statistics: TokenStatistics, *, directions: Vectors | None = None) -> StaticTable:
    """The table for all documents of the statistics.

    `directions` are those of `token_directions`, float32[tokens, any]; without them a token that no
    document has stays zero. Documents that are held out choose the penalty, and are then taken in.
    Raises ConfigError where the statistics hold no document.
    """
    if not len(statistics):
        raise ConfigError(
            "no document has both a vector and a token: there is nothing to fit a student on; "
            "index documents first"
        )
    penalty, steps = PENALTY, STEPS
    cosines: dict[float, float] = {}
    held_out: Vectors | None = None
    found: Vectors | None = None
    if len(statistics) >= _FEWEST:
        without = NormalEquations(statistics, directions, whole=False)
        penalty, steps, cosines = _choose(without)
        found = _last(without.solve(without.target, penalty, steps))
        held_out = unit(without.held_out(without.table(found)) + QUERY_BIAS * without.mean)
    whole = NormalEquations(statistics, directions, whole=True)
    more = steps if found is None else _LAST_STEPS
    table = whole.full(_last(whole.solve(whole.target, penalty, more, found)))
    before = table if found is None else without.full(found)
    bias = (QUERY_BIAS * whole.mean).astype(np.float32)
    # The length of a query is free: at most 1, no number is beyond float16.
    largest = max(float(np.abs(table).max()), float(np.abs(bias).max()), 1e-30)
    told = {
        "documents": len(statistics),
        "tokens": int((whole.often[: statistics.counter.vocabulary] > 0).sum()),
        "pairs": len(statistics.counter.pairs),
        "penalty": penalty,
        "steps": steps,
        "held out": len(statistics.held_rows) if cosines else 0,
        "cosine by penalty": {str(one): round(cosine, 4) for one, cosine in cosines.items()},
    }
    scale = np.float32(1 / largest)
    return StaticTable(table * scale, bias * scale, told, held_out, before * scale)


def _choose(fit: NormalEquations) -> tuple[float, int, dict[float, float]]:
    """Penalty and steps of the highest mean cosine, and the cosine of each penalty that was tried.

    All is measured in a projection on 64 random orthogonal directions: the fit of projected vectors
    is the projected fit, at a sixth of the time, and cosines are nearly kept.
    """
    dim = len(fit.mean)
    noise = np.random.default_rng(0).standard_normal((dim, min(dim, _PROJECTED)))
    basis = np.linalg.qr(noise)[0].astype(np.float32)
    target, mean = fit.target @ basis, fit.mean @ basis
    wanted = unit(fit.held_vectors @ basis)

    def best(penalty: float) -> tuple[float, int]:
        highest, steps = -1.0, 1
        for step, found in enumerate(fit.solve(target, penalty, _MOST_STEPS), start=1):
            made = unit(fit.held_out(fit.table(found)) + mean)
            cosine = float(np.einsum("nd,nd->n", made, wanted).mean())
            if cosine > highest + _LEAST_GAIN:
                highest, steps = cosine, step
            elif step >= steps + _PATIENCE:
                break
        return highest, steps

    tried = {PENALTY: best(PENALTY)}
    start = PENALTIES.index(PENALTY)
    for way in (PENALTIES[start + 1 :], PENALTIES[:start][::-1]):
        last = PENALTY
        for penalty in way:
            tried[penalty] = best(penalty)
            if tried[penalty][0] < tried[last][0]:
                break
            last = penalty
        if last != PENALTY:  # better on this side: it is not on the other as well
            break
    chosen = max(tried, key=lambda penalty: tried[penalty][0])
    return chosen, tried[chosen][1], {one: cosine for one, (cosine, _) in sorted(tried.items())}


def _last(steps: Iterator[Vectors]) -> Vectors:
    *_, found = steps
    return found
