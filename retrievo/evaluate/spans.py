"""How much of the true passages the retrieved chunks hold, and how little else: for chunkers.

Smith and Troynikov 2024, Evaluating Chunking Strategies for Retrieval. They speak of tokens and
count characters, as their code and this module do.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from retrievo.errors import ConfigError, DatasetError
from retrievo.evaluate.datasets import Dataset, _json_lines
from retrievo.types import Document

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

Interval = tuple[int, int]
"""Characters from the first to the second, which is not in it."""

Spans = Mapping[str, Sequence[Interval]]
"""Intervals by document id: in order, apart, none empty; as `merged` makes them."""


class Span(Protocol):
    """A part of a document in characters: a Chunk is one."""

    @property
    def doc_id(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class SpanScores(NamedTuple):
    """What the retrieved chunks of one question hold of its true spans, each in [0, 1]."""

    recall: float
    """The share of the true characters that is in a chunk."""
    precision: float
    """The share of the chunks' characters that is true: once, however many chunks hold it, while
    what several chunks hold counts in each, because each is read."""
    iou: float
    """The true characters found, over those of the chunks and the true ones that are in none."""


@dataclass(frozen=True, slots=True)
class SpanQuery:
    """A question, and where in the documents its answer is."""

    id: str
    text: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class SpanReport:
    """Means over the questions, and the values of each by its id."""

    dataset: str
    top_k: int
    queries: int
    recall: float
    precision: float
    iou: float
    per_query: dict[str, SpanScores]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        told = {name: getattr(self, name) for name in self.__slots__}
        told["per_query"] = {name: scores._asdict() for name, scores in self.per_query.items()}
        return told


def read_spans(folder: str | Path, *, split: str = "test") -> tuple[SpanQuery, ...]:
    """The questions of a BEIR folder that have spans in its spans.jsonl, in the queries' order.

    A line holds `query-id`, `corpus-id`, `start` and `end` in characters, and may hold the `text`
    that is there. Raises DatasetError, naming file and line, for a line that is malformed, whose
    document or judged query is not in the folder, or whose text is not what stands there.
    """
    dataset = Dataset.read(folder, split=split)
    path = dataset.folder / "spans.jsonl"
    known = {query.id for query in dataset.queries}
    lines: dict[str, list[tuple[int, str, Interval, str | None]]] = {}
    for number, item in _json_lines(path):
        query_id, doc_id, interval, text = _span(item, path, number)
        if query_id not in known:
            raise DatasetError(
                f"{path}, line {number}: query {query_id!r} is not in queries.jsonl, "
                f"or qrels/{split}.tsv does not judge it"
            )
        lines.setdefault(doc_id, []).append((number, query_id, interval, text))
    if not lines:
        raise DatasetError(f"{path} holds no spans")
    found: dict[str, dict[str, list[Interval]]] = {}
    for document in dataset.documents():
        for number, query_id, interval, text in lines.pop(document.id, ()):
            _check_inside(document, interval, text, path, number)
            found.setdefault(query_id, {}).setdefault(document.id, []).append(interval)
    if lines:
        doc_id, rest = next(iter(lines.items()))
        raise DatasetError(f"{path}, line {rest[0][0]}: {doc_id!r} is not in corpus.jsonl")
    return tuple(
        SpanQuery(query.id, query.text, {d: merged(s) for d, s in found[query.id].items()})
        for query in dataset.queries
        if query.id in found
    )


def span_scores(retrieved: Iterable[Span], true: Spans) -> SpanScores:
    """The scores of one question's chunks, in any order; all 0 where nothing was retrieved."""
    length = 0
    parts: dict[str, list[Interval]] = {}
    for span in retrieved:
        length += span.end - span.start
        for interval in _shared(true.get(span.doc_id, ()), span.start, span.end):
            parts.setdefault(span.doc_id, []).append(interval)
    wanted = sum(_length(intervals) for intervals in true.values())
    found = sum(_length(merged(intervals)) for intervals in parts.values())
    return SpanScores(
        found / wanted if wanted else 0.0,
        found / length if length else 0.0,
        found / (length + wanted - found) if length + wanted else 0.0,
    )


def precision_omega(chunks: Iterable[Span], true: Spans) -> float:
    """The precision of all chunks that hold some of the true spans: the best there is at recall 1.

    It depends on the cuts alone, and on no encoder. 0 where no chunk holds any.
    """
    holding = [
        chunk
        for chunk in chunks
        if next(_shared(true.get(chunk.doc_id, ()), chunk.start, chunk.end), None)
    ]
    return span_scores(holding, true).precision


def evaluate_spans(pipeline: "Pipeline", folder: str | Path, top_k: int = 5) -> SpanReport:
    """The pipeline's chunks against the true spans of the folder, which is indexed if need be.

    Means over all questions that have spans; one that finds nothing counts 0. Filters of queries
    are not used. Raises ConfigError for a `top_k` below 1, and what `read_spans` raises.
    """
    if top_k < 1:
        raise ConfigError(f"top_k is {top_k}; a whole number from 1 is wanted")
    dataset, queries = Dataset.read(folder), read_spans(folder)
    pipeline.index(dataset.documents())
    values = {
        query.id: span_scores(
            [hit.chunk for hit in pipeline.search(query.text, top_k=top_k)], query.spans
        )
        for query in queries
    }
    return span_report(dataset.name, top_k, values)


def span_report(dataset: str, top_k: int, values: Mapping[str, SpanScores]) -> SpanReport:
    """The means of some questions' scores; 0 where there is none."""
    count = max(len(values), 1)
    recall, precision, iou = (
        sum(scores[field] for scores in values.values()) / count for field in range(3)
    )
    return SpanReport(dataset, top_k, len(values), recall, precision, iou, dict(values))


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same characters as intervals in order that neither overlap nor touch; none is empty."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _shared(intervals: Sequence[Interval], start: int, end: int) -> Iterator[Interval]:
    """What of `start` to `end` is in the intervals, which are in order and apart."""
    at = max(bisect_right(intervals, (start, start)) - 1, 0)
    while at < len(intervals) and intervals[at][0] < end:
        low, high = max(start, intervals[at][0]), min(end, intervals[at][1])
        if low < high:
            yield low, high
        at += 1


def _length(intervals: Iterable[Interval]) -> int:
    return sum(end - start for start, end in intervals)


def _span(
    item: Mapping[str, Any], path: Path, number: int
) -> tuple[str, str, Interval, str | None]:
    for key in ("query-id", "corpus-id"):
        if not isinstance(item.get(key), str) or not item[key]:
            raise DatasetError(
                f"{path}, line {number}: {key} is {item.get(key)!r}, a non-empty string is wanted"
            )
    for key in ("start", "end"):
        if not isinstance(item.get(key), int) or isinstance(item[key], bool):
            raise DatasetError(
                f"{path}, line {number}: {key} is {item.get(key)!r}, a whole number is wanted"
            )
    start, end, text = item["start"], item["end"], item.get("text")
    if not 0 <= start < end:
        raise DatasetError(f"{path}, line {number}: no span goes from {start} to {end}")
    if text is not None and not isinstance(text, str):
        raise DatasetError(f"{path}, line {number}: text is {text!r}, a string is wanted")
    return item["query-id"], item["corpus-id"], (start, end), text


def _check_inside(
    document: Document, interval: Interval, text: str | None, path: Path, number: int
) -> None:
    start, end = interval
    if end > len(document.text):
        raise DatasetError(
            f"{path}, line {number}: the span ends at {end}, "
            f"document {document.id!r} at {len(document.text)}"
        )
    if text is not None and document.text[start:end] != text:
        raise DatasetError(
            f"{path}, line {number}: document {document.id!r} has "
            f"{document.text[start:end][:40]!r} at {start}, not {text[:40]!r}"
        )
