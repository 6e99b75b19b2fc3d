"""How well a pipeline finds one sentence in documents of 256 to 32,768 tokens.

The tasks passkey and needle are built as Zhu et al. 2024 (LongEmbed: Extending Embedding Models for
Long Context Retrieval) build theirs, with texts of our own: documents of one length, a key sentence
at a random place of each, a question for some. A length is counted as .75 words a token.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from retrievo.errors import ConfigError
from retrievo.evaluate.long_texts import facts, filled, names, plain_filler, varied_filler
from retrievo.ingest.report import Progress
from retrievo.types import Document

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

Task = Literal["passkey", "needle"]

LENGTHS = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768)
QUERIES, CANDIDATES = 50, 100
"""Of each length, as in LongEmbed."""

_WORDS_A_TOKEN = 0.75


@dataclass(frozen=True, slots=True)
class LongTask:
    """Documents of one length, and for some of them the question that each alone answers."""

    task: Task
    tokens: int
    documents: tuple[Document, ...]
    questions: Mapping[str, str]
    """The question by the id of the document that answers it."""

    def write(self, folder: str | Path) -> None:
        """Write the task as a BEIR folder, which `retrievo eval` reads."""
        folder = Path(folder)
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        corpus = [{"_id": d.id, "title": "", "text": d.text} for d in self.documents]
        queries = [{"_id": f"q-{doc_id}", "text": ask} for doc_id, ask in self.questions.items()]
        for name, items in (("corpus", corpus), ("queries", queries)):
            lines = "".join(json.dumps(item) + "\n" for item in items)
            (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
        rows = "".join(f"q-{doc_id}\t{doc_id}\t1\n" for doc_id in self.questions)
        (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")


def long_task(
    task: Task,
    tokens: int,
    *,
    queries: int = QUERIES,
    candidates: int = CANDIDATES,
    seed: int = 0,
) -> LongTask:
    """The task at one length; the same for the same arguments.

    Raises ConfigError for an unknown task, for lengths under 64 tokens, and for more queries than
    candidates or more candidates than there are names or facts.
    """
    if task not in get_args(Task):
        raise ConfigError(f"task is {task!r}; one of {', '.join(get_args(Task))} is wanted")
    if tokens < 64:
        raise ConfigError(f"a length of {tokens} tokens has no room; 64 or more is wanted")
    if not 1 <= queries <= candidates:
        raise ConfigError(
            f"{queries} queries and {candidates} candidates: at least one query, and a candidate "
            "for each, is wanted"
        )
    draw = random.Random(f"{task} {tokens} {seed}")
    try:
        made = _passkeys(candidates, draw) if task == "passkey" else _needles(candidates, draw)
        keys = list(made)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    filler = plain_filler if task == "passkey" else varied_filler
    words = int(tokens * _WORDS_A_TOKEN)
    documents, questions = [], {}
    for number, (sentences, question) in enumerate(keys):
        name = f"{task}-{tokens}-{number:03}"
        documents.append(Document(name, filled(sentences, words, filler(draw), draw)))
        if number < queries:
            questions[name] = question
    draw.shuffle(documents)
    return LongTask(task, tokens, tuple(documents), questions)


def _passkeys(count: int, draw: random.Random) -> Iterator[tuple[list[str], str]]:
    for name in names(count, draw):
        key = draw.randrange(10_000, 100_000)
        told = [
            f"{name}'s pass key is {key}.",
            "Remember it.",
            f"{key} is the pass key for {name}.",
        ]
        yield told, f"What is the pass key for {name}?"


def _needles(count: int, draw: random.Random) -> Iterator[tuple[list[str], str]]:
    for fact, question in facts(count, draw):
        yield [fact], question


@dataclass(frozen=True, slots=True)
class LongReport:
    """The share of questions whose first document is the right one, by length in tokens.

    `chunks` says how many chunks the documents of each length had together.
    """

    task: str
    accuracy: dict[int, float]
    queries: int
    candidates: int
    chunks: dict[int, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Over the lengths, each counting alike."""
        return sum(self.accuracy.values()) / max(1, len(self.accuracy))

    def as_dict(self) -> dict[str, Any]:
        """What `retrievo long-context --json` prints."""
        return {
            "task": self.task,
            "accuracy@1": {str(tokens): share for tokens, share in self.accuracy.items()},
            "mean": self.mean,
            "queries": self.queries,
            "candidates": self.candidates,
            "chunks": {str(tokens): count for tokens, count in self.chunks.items()},
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        lines = [f"{self.task}: {self.queries} questions, {self.candidates} documents a length"]
        lines += [
            f"{tokens:>7,} tokens  accuracy@1 {share:.2f}  {self.chunks.get(tokens, 0):>7,} chunks"
            for tokens, share in self.accuracy.items()
        ]
        return "\n".join([*lines, f"   mean         accuracy@1 {self.mean:.2f}"])


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
    """The accuracy at each length of a pipeline, of which every length gets one of its own.

    `pipeline_of` makes it, with an empty index: `Pipeline`, or `lambda: Pipeline.from_toml(...)`.
    Documents count by their best chunk. Raises ConfigError as `long_task` does.
    """
    tasks = [
        long_task(task, tokens, queries=queries, candidates=candidates, seed=seed)
        for tokens in dict.fromkeys(lengths)
    ]
    if not tasks:
        raise ConfigError("no length is given; 256,512,1024 say, is wanted")
    report = LongReport(task, {}, queries, candidates)
    for done, one in enumerate(tasks, start=1):
        with pipeline_of() as pipeline:
            indexed = pipeline.index(one.documents)
            for warning in indexed.warnings:
                report.warnings.append(f"{one.tokens} tokens: {warning}")
            report.chunks[one.tokens] = pipeline.store.count()
            right = 0
            asked = list(one.questions.items())
            found = pipeline.search_batch([ask for _, ask in asked], top_k=1, per_document=True)
            for (doc_id, _), hits in zip(asked, found, strict=True):
                right += bool(hits) and hits[0].doc_id == doc_id
            report.accuracy[one.tokens] = right / len(asked)
        if progress is not None:
            progress(Progress(done, len(tasks), sum(report.chunks.values()), "search"))
    return report
