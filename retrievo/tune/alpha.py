"""The share of a chunk's own vector beside that of its context, chosen with judged queries."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrievo.errors import ConfigError
from retrievo.evaluate.compare import Comparison, compare_results, read_results
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.run import evaluate
from retrievo.retrieve.dense import DenseRetriever
from retrievo.retrieve.situating import ALPHA

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

SHARES = tuple(share / 10 for share in range(11))

SURE = 0.01
"""Below this p another share than the default is taken: of eleven, one is best by chance."""


@dataclass(frozen=True, slots=True)
class AlphaReport:
    """The metric at each share, and the share to take: the default unless another is surely better.

    `comparison` is that of the best share with the default one, None where that is the best.
    """

    metric: str
    values: dict[float, float]
    alpha: float
    comparison: Comparison | None

    def __str__(self) -> str:
        lines = [f"alpha {share:.1f}: {self.metric} {v:.4f}" for share, v in self.values.items()]
        if self.comparison is not None:
            lines.append(str(self.comparison))
        return "\n".join([*lines, f"take alpha = {self.alpha:g}"])


def choose_alpha(
    pipeline: "Pipeline",
    dataset: Dataset,
    *,
    metric: str = "ndcg@10",
    shares: Sequence[float] = SHARES,
) -> AlphaReport:
    """What each share is worth on the judged queries, and which to take.

    The pipeline has a dense retriever with `context = "situated-pair"`, so that nothing is encoded
    anew but what is not indexed yet; it has its own share again afterwards. Measure the choice on
    queries that were not used for it. Raises ConfigError where there is no such retriever.
    """
    dense = _pair_of(pipeline)
    before, results = dense.alpha, {}
    asked = sorted({*shares, ALPHA})
    try:
        with tempfile.TemporaryDirectory(prefix="retrievo-alpha-") as folder:
            for share in asked:
                dense.alpha = share
                path = Path(folder) / f"{share}.jsonl"
                evaluate(pipeline, dataset, (metric,), per_query=path)
                results[share] = read_results(path)
    finally:
        dense.alpha = before
    found = {share: compare_results(results[ALPHA], results[share])[0] for share in asked}
    best = max(asked, key=lambda share: (found[share].after, -abs(share - ALPHA)))
    comparison = None if best == ALPHA else found[best]
    sure = comparison is not None and comparison.p < SURE
    values = {share: one.after for share, one in found.items()}
    return AlphaReport(metric, values, best if sure else ALPHA, comparison)


def _pair_of(pipeline: "Pipeline") -> DenseRetriever:
    for retriever in pipeline._assembly.part("retrievers").values():
        if isinstance(retriever, DenseRetriever) and retriever.context == "situated-pair":
            return retriever
    raise ConfigError(
        "no retriever keeps a chunk's own vector and that of its context apart: set context = "
        "'situated-pair' in [retrievers.dense] and index again; with 'situated' they are mixed, "
        "and every share wants an index of its own"
    )
