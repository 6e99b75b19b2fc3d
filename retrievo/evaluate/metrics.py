"""Ranking metrics with the semantics of trec_eval, as ir-measures computes them.

A document is relevant from grade 1; its gain is its grade; grades below 0 gain nothing.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from retrievo.errors import ConfigError

Grades = Mapping[str, int]
"""Judged documents of one query with their grades."""


def ndcg(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """Discounted gain of the first k over that of the best order, in [0, 1].

    Järvelin, Kekäläinen 2002, with linear gains and log2(rank + 1), as trec_eval's ndcg_cut.
    """
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:k]
    if not ideal:
        return 0.0
    return _discounted(max(grades.get(doc_id, 0), 0) for doc_id in ranked[:k]) / _discounted(ideal)


def recall(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """The share of the relevant documents that is among the first k."""
    wanted = _relevant(grades)
    return len(wanted.intersection(ranked[:k])) / len(wanted) if wanted else 0.0


def reciprocal_rank(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """1 / rank of the first relevant document, 0 where none is among the first k."""
    wanted = _relevant(grades)
    return next(
        (1.0 / rank for rank, doc_id in enumerate(ranked[:k], start=1) if doc_id in wanted), 0.0
    )


def precision(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """Relevant documents among the first k, divided by k even where fewer came back."""
    return len(_relevant(grades).intersection(ranked[:k])) / k


def average_precision(ranked: Sequence[str], grades: Grades, k: int) -> float:
    """Precision at each relevant document of the first k, summed, over all that are relevant."""
    wanted = _relevant(grades)
    if not wanted:
        return 0.0
    found, total = 0, 0.0
    for rank, doc_id in enumerate(ranked[:k], start=1):
        if doc_id in wanted:
            found += 1
            total += found / rank
    return total / len(wanted)


def _relevant(grades: Grades) -> set[str]:
    return {doc_id for doc_id, grade in grades.items() if grade > 0}


def _discounted(gains: Iterable[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


_MEASURES: Mapping[str, Callable[[Sequence[str], Grades, int], float]] = {
    "ndcg": ndcg,
    "recall": recall,
    "mrr": reciprocal_rank,
    "p": precision,
    "map": average_precision,
}
_ALIASES = {"r": "recall", "rr": "mrr", "precision": "p", "ap": "map"}


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure with its cut-off; `name` is what the caller asked for."""

    name: str
    measure: str
    k: int

    def __call__(self, ranked: Sequence[str], grades: Grades) -> float:
        """The value for one query; `ranked` holds document ids, best first, each once."""
        return _MEASURES[self.measure](ranked, grades, self.k)


def parse_metric(name: str) -> Metric:
    """The metric of a name like "ndcg@10"; upper and lower case mean the same.

    Raises ConfigError for an unknown measure and for a missing or impossible cut-off.
    """
    name = name.strip()
    asked, separator, cutoff = name.lower().partition("@")
    measure = _ALIASES.get(asked, asked)
    if measure not in _MEASURES:
        near = get_close_matches(asked, [*_MEASURES, *_ALIASES], n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}@{cutoff or 10}'?" if near else "."
        known = ", ".join(f"{known}@k" for known in _MEASURES)
        raise ConfigError(f"no metric named {name!r}{hint} Known: {known}")
    if not separator:
        raise ConfigError(f"metric {name!r} has no cut-off; write {asked}@10")
    if not cutoff.isascii() or not cutoff.isdigit() or int(cutoff) < 1:
        raise ConfigError(
            f"metric {name!r} is cut off at {cutoff!r}; a whole number from 1 is wanted, "
            f"as in {asked}@10"
        )
    return Metric(name, measure, int(cutoff))


def parse_metrics(names: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics in the order given, each name once. Raises ConfigError where there are none."""
    metrics = {metric.name: metric for metric in map(parse_metric, names)}
    if not metrics:
        raise ConfigError("no metric was asked for; name one, as in ndcg@10")
    return tuple(metrics.values())
