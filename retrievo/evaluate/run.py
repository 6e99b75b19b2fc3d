"""A pipeline measured on a test collection: how good its answers are, and how fast they come."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from retrievo.evaluate.datasets import Dataset, JudgedQuery
from retrievo.evaluate.metrics import Metric, parse_metrics
from retrievo.ingest.report import Progress
from retrievo.types import Document

if TYPE_CHECKING:
    from retrievo.hits import Hits
    from retrievo.pipeline import Pipeline

METRICS = ("ndcg@10", "recall@100", "mrr@10")


@dataclass(frozen=True, slots=True)
class EvalReport:
    """Means over the judged queries, and what they cost.

    `seconds` says how long indexing and searching took; `queries_per_second` counts the searches
    alone, one after the other.
    """

    dataset: str
    split: str
    queries: int
    documents: int
    metrics: dict[str, float]
    queries_per_second: float
    seconds: dict[str, float]
    per_query: Path | None = None
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as `retrievo eval --json` prints it."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "queries": self.queries,
            "documents": self.documents,
            "metrics": dict(self.metrics),
            "queries_per_second": self.queries_per_second,
            "seconds": dict(self.seconds),
            "per_query": None if self.per_query is None else str(self.per_query),
            "warnings": list(self.warnings),
        }


def evaluate(
    pipeline: "Pipeline",
    dataset: Dataset,
    metrics: Sequence[str] = METRICS,
    *,
    per_query: str | Path | None = None,
    use_filters: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> EvalReport:
    """The means of the metrics over all judged queries; the collection is indexed first if need be.

    Documents count by their best chunk. A query that finds nothing counts 0, as in trec_eval. With
    `use_filters`, a query that carries a filter is searched with it. `per_query` names a file that
    gets one JSON object a query: id, text, metrics, hits. Raises ConfigError for an unknown
    metric, DatasetError for a malformed collection.
    """
    measures = parse_metrics(metrics)
    depth = max(metric.k for metric in measures)
    known: set[str] = set()

    started = time.perf_counter()
    indexed = pipeline.index(_noting(dataset, known), progress=progress)
    indexing = time.perf_counter() - started

    warnings = [*dataset.warnings, *indexed.warnings]
    warnings += _doubts(dataset, known, pipeline.store.document_count(), use_filters)
    totals = dict.fromkeys((metric.name for metric in measures), 0.0)
    searching, empty = 0.0, 0
    # Once before the clock starts: loading what only searches need is not part of their speed.
    pipeline.search(dataset.queries[0].text, top_k=depth, per_document=True)
    with ExitStack() as stack:
        results = None
        if per_query is not None:
            results = stack.enter_context(Path(per_query).open("w", encoding="utf-8"))
        for done, query in enumerate(dataset.queries, start=1):
            filters = query.filter if use_filters else None
            started = time.perf_counter()
            hits = pipeline.search(query.text, top_k=depth, filters=filters, per_document=True)
            searching += time.perf_counter() - started
            empty += not hits
            values = _values(measures, hits, query)
            for name, value in values.items():
                totals[name] += value
            if results is not None:
                _write_result(results, query, values, hits)
            if progress is not None:
                progress(Progress(done, len(dataset.queries), 0, "search"))

    count = len(dataset.queries)
    if empty:
        warnings.append(f"{empty} of {count} queries found nothing, and count 0")
    return EvalReport(
        dataset=dataset.name,
        split=dataset.split,
        queries=count,
        documents=len(known),
        metrics={name: total / count for name, total in totals.items()},
        queries_per_second=count / max(searching, 1e-9),
        seconds={"index": indexing, "search": searching},
        per_query=None if per_query is None else Path(per_query),
        warnings=warnings,
    )


def _noting(dataset: Dataset, known: set[str]) -> Iterator[Document]:
    for document in dataset.documents():
        known.add(document.id)
        yield document


def _doubts(dataset: Dataset, known: set[str], indexed: int, use_filters: bool) -> Iterator[str]:
    """What makes the numbers less than they seem, a sentence each."""
    if unknown := dataset.unknown_documents(known):
        yield (
            f"{len(unknown)} judged documents are not in corpus.jsonl and cannot be found, "
            f"as {unknown[0]!r}"
        )
    if indexed > len(known):
        yield (
            f"the index holds {indexed - len(known)} documents that are not of {dataset.name} "
            "and can take the places of those that are; use an index of its own"
        )
    carrying = sum(query.filter is not None for query in dataset.queries)
    if carrying and not use_filters:
        yield f"{carrying} queries carry a filter that was not used; --filters uses it"


def _values(measures: Sequence[Metric], hits: "Hits", query: JudgedQuery) -> dict[str, float]:
    # Order alone counts: equal scores have been put in order by the pipeline already.
    ranked = [hit.doc_id for hit in hits]
    return {metric.name: metric(ranked, query.grades) for metric in measures}


def _write_result(file: TextIO, query: JudgedQuery, values: dict[str, float], hits: "Hits") -> None:
    result = {
        "query_id": query.id,
        "query": query.text,
        "metrics": values,
        "relevant": dict(query.grades),
        "hits": [
            {"doc_id": hit.doc_id, "chunk_id": hit.chunk.id, "score": float(hit.score)}
            for hit in hits
        ],
    }
    file.write(json.dumps(result) + "\n")
