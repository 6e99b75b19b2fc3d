"""Whether one pipeline's answers are better than another's, or only seem so on these queries."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.errors import DatasetError

ROUNDS = 10_000
"""Random assignments, and resamples: a p of .01 is then known to within .002."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean of one metric in two runs over the same queries, and what their difference is worth.

    `difference` is after - before, `low` and `high` bound it with 95 % (bootstrap over queries).
    `p` is the chance that a difference so large comes about where the two runs are alike: two-sided
    paired randomization test (Fisher 1935; for retrieval Smucker, Allan and Carterette 2007).
    `better` and `worse` count the queries that changed.
    """

    metric: str
    queries: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    p: float
    better: int
    worse: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.metric} {self.before:.4f} -> {self.after:.4f} ({self.difference:+.4f}, "
            f"95 % {self.low:+.4f} to {self.high:+.4f}, p = {self.p:.3f}; {self.better} of "
            f"{self.queries} queries better, {self.worse} worse)"
        )


def compare(
    before: Sequence[float] | npt.NDArray[np.floating[Any]],
    after: Sequence[float] | npt.NDArray[np.floating[Any]],
    *,
    metric: str = "",
    seed: int = 0,
) -> Comparison:
    """The comparison of two runs: the i-th value of each is that of the same query.

    Raises ValueError where they have no queries, or not the same number.
    """
    old, new = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if old.shape != new.shape or old.ndim != 1 or not len(old):
        raise ValueError(
            f"{old.shape} and {new.shape} values: one of each run for each query is wanted"
        )
    if not (np.isfinite(old).all() and np.isfinite(new).all()):
        raise ValueError("a value of a query is no finite number")
    gains = new - old
    draw = np.random.default_rng(seed)
    seen = abs(gains.mean())
    extreme, means = 0, []
    for rounds in _portions(len(gains)):
        signs = draw.integers(0, 2, (rounds, len(gains)), np.int8) * 2 - 1
        # Alike up to rounding is as extreme.
        extreme += int((np.abs((signs * gains).mean(axis=1)) >= seen - 1e-12).sum())
        means.append(gains[draw.integers(0, len(gains), (rounds, len(gains)))].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Comparison(
        metric,
        len(gains),
        float(old.mean()),
        float(new.mean()),
        float(gains.mean()),
        float(low),
        float(high),
        (extreme + 1) / (ROUNDS + 1),
        int((gains > 1e-12).sum()),
        int((gains < -1e-12).sum()),
    )


def _portions(queries: int) -> list[int]:
    """Rounds that are drawn at once: about eight million numbers."""
    most = max(1, min(ROUNDS, 8_000_000 // queries))
    full, rest = divmod(ROUNDS, most)
    return [most] * full + [rest] * bool(rest)


Results = Mapping[str, Mapping[str, float]]
"""The metrics of each query, by its id."""


def compare_results(before: Results, after: Results) -> list[Comparison]:
    """A comparison for each metric that both runs have, over the queries that both have.

    Raises DatasetError where they have none in common.
    """
    ids = [query for query in before if query in after]
    if not ids:
        raise DatasetError("the two runs have no query in common: compare runs of one collection")
    metrics = [
        name
        for name in after[ids[0]]
        if all(name in run[query] for run in (before, after) for query in ids)
    ]
    if not metrics:
        raise DatasetError(
            "the two runs have no metric in common for all queries: compare runs with the same "
            "--metrics"
        )
    return [
        compare(
            [before[query][name] for query in ids],
            [after[query][name] for query in ids],
            metric=name,
        )
        for name in metrics
    ]


def read_results(path: str | Path) -> dict[str, dict[str, float]]:
    """The metrics of each query from a file that `evaluate(per_query=...)` wrote.

    Raises DatasetError, naming file and line, for what is none.
    """
    path = Path(path)
    found: dict[str, dict[str, float]] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                item = json.loads(line)
                metrics = {str(k): float(v) for k, v in item["metrics"].items()}
                if not all(map(math.isfinite, metrics.values())):
                    raise ValueError("a metric is no finite number")
                found[str(item["query_id"])] = metrics
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DatasetError(
                    f"{path}, line {number}: not the results of a query as `retrievo eval "
                    f"--per-query` writes them ({type(error).__name__}: {error})"
                ) from None
    if not found:
        raise DatasetError(f"{path} holds no results")
    return found
