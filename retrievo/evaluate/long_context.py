"""How well a pipeline, or an encoder alone, finds one sentence in ever longer documents."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from retrievo.errors import ConfigError
from retrievo.evaluate.long_tasks import CANDIDATES, QUERIES, LongTask, Task, long_task
from retrievo.evaluate.metrics import parse_metrics
from retrievo.ingest.report import Progress
from retrievo.types import Chunk, Document

if TYPE_CHECKING:
    from retrievo.contracts import Encoder
    from retrievo.pipeline import Pipeline

LENGTHS = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)

_AT_ONCE = 256
"""Queries of one search."""


@dataclass(frozen=True, slots=True)
class LongReport:
    """Means over the queries, by the length of the documents in tokens.

    `accuracy` is the share of queries whose first document answers it, `ndcg` is nDCG@10; `chunks`
    says how many chunks the documents of each length had together. `queries` and `candidates` are
    those of the length that has most.
    """

    task: str
    accuracy: dict[int, float]
    queries: int
    candidates: int
    chunks: dict[int, int] = field(default_factory=dict)
    ndcg: dict[int, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """The accuracy over the lengths, each counting alike."""
        return _mean(self.accuracy)

    def as_dict(self) -> dict[str, Any]:
        """What `retrievo long-context --json` prints."""
        return {
            "task": self.task,
            "accuracy@1": {str(tokens): share for tokens, share in self.accuracy.items()},
            "ndcg@10": {str(tokens): value for tokens, value in self.ndcg.items()},
            "mean": {"accuracy@1": self.mean, "ndcg@10": _mean(self.ndcg)},
            "queries": self.queries,
            "candidates": self.candidates,
            "chunks": {str(tokens): count for tokens, count in self.chunks.items()},
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        lines = [
            f"{self.task}: {self.queries} questions, {self.candidates} documents a length",
            "    tokens  accuracy@1  nDCG@10   chunks",
        ]
        lines += [
            f"{tokens:>10,}{share:>12.2f}{self.ndcg.get(tokens, 0):>9.2f}"
            f"{self.chunks.get(tokens, 0):>9,}"
            for tokens, share in self.accuracy.items()
        ]
        return "\n".join([*lines, f"      mean{self.mean:>12.2f}{_mean(self.ndcg):>9.2f}"])


def long_context(
    pipeline_of: "Callable[[], Pipeline]",
    task: Task = "passkey",
    *,
    lengths: Sequence[int] = LENGTHS,
    queries: int = QUERIES,
    candidates: int = CANDIDATES,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> LongReport:
    """What a pipeline finds of a task that is made here, at each length.

    `measure` says what `pipeline_of` is. Raises ConfigError as `long_task` does.
    """
    tasks = [
        long_task(task, tokens, queries=queries, candidates=candidates, seed=seed)
        for tokens in dict.fromkeys(lengths)
    ]
    return measure(pipeline_of, tasks, progress=progress)


def measure(
    pipeline_of: "Callable[[], Pipeline]",
    tasks: Iterable[LongTask],
    *,
    progress: Callable[[Progress], None] | None = None,
) -> LongReport:
    """What a pipeline finds of each task: of those that `read_tasks` or `long_task` gives.

    `pipeline_of` makes it, with an empty index, anew for every length: `Pipeline`,
    `lambda: Pipeline.from_toml(...)`, or `one_vector(encoder)`. Documents count by their best
    chunk. Raises ConfigError where there is no task.
    """
    tasks = list(tasks)
    if not tasks:
        raise ConfigError("no length is given; 256,512,1024, say, is wanted")
    first, ten = parse_metrics(["p@1", "ndcg@10"])
    most = max(len(task.queries) for task in tasks), max(len(task.documents) for task in tasks)
    report = LongReport(tasks[0].name, {}, *most)
    told = _Overall(progress, sum(len(task.documents) for task in tasks))
    for task in tasks:
        with pipeline_of() as pipeline:
            indexed = pipeline.index(task.documents, progress=told.step if progress else None)
            told.next(len(task.documents), indexed.chunks_written)
            for warning in [*task.warnings, *indexed.warnings]:
                report.warnings.append(f"{task.tokens} tokens: {warning}")
            report.chunks[task.tokens] = pipeline.store.count()
            right = gained = 0.0
            for start in range(0, len(task.queries), _AT_ONCE):
                asked = task.queries[start : start + _AT_ONCE]
                texts = [query.text for query in asked]
                found = pipeline.search_batch(texts, top_k=10, per_document=True)
                for query, hits in zip(asked, found, strict=True):
                    ranked = [hit.doc_id for hit in hits]
                    right += first(ranked, query.grades)
                    gained += ten(ranked, query.grades)
            report.accuracy[task.tokens] = right / len(task.queries)
            report.ndcg[task.tokens] = gained / len(task.queries)
    return report


def one_vector(encoder: "Encoder") -> "Callable[[], Pipeline]":
    """What makes pipelines of an encoder alone: one vector a document, no words.

    What becomes of a document that is longer than the encoder reads is the encoder's business.
    """
    from retrievo.pipeline import Pipeline

    def pipeline() -> Pipeline:
        store = Pipeline.part("store", "memory")
        dense = Pipeline.part("retriever", "dense", encoder=encoder, store=store)
        return Pipeline(
            encoder=encoder,
            store=store,
            chunker=_WholeDocument(encoder),
            retrievers={"dense": dense},
        )

    return pipeline


class _WholeDocument:
    """One chunk a document, however long it is."""

    def __init__(self, encoder: "Encoder") -> None:
        self._spans = getattr(encoder, "token_spans", str.split)

    def chunk(self, document: Document) -> list[Chunk]:
        text = document.text
        # Counted as the encoder counts: one that does not say what it cuts is found out by it.
        tokens = len(self._spans(text))
        return [Chunk(document.id, text, 0, len(text), tokens, document.metadata, document.title)]


class _Overall:
    """Progress over all lengths, from that of each."""

    def __init__(self, progress: Callable[[Progress], None] | None, total: int) -> None:
        self._progress, self._total = progress, total
        self._documents = self._chunks = 0

    def step(self, done: Progress) -> None:
        if self._progress is not None and done.stage != "done":
            documents, chunks = self._documents + done.documents, self._chunks + done.chunks
            self._progress(Progress(documents, self._total, chunks, done.stage))

    def next(self, documents: int, chunks: int) -> None:
        self._documents += documents
        self._chunks += chunks


def _mean(values: dict[int, float]) -> float:
    return sum(values.values()) / max(1, len(values))
