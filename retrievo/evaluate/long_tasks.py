"""Tasks that ask for one sentence of a long document: made here, or read from a folder.

passkey and needle are built as Zhu et al. 2024 (LongEmbed: Extending Embedding Models for Long
Context Retrieval) build theirs, with texts of our own: documents of one length, a key sentence at a
random place of each, a question for some. A length is counted as .75 words a token.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from retrievo.errors import ConfigError, DatasetError
from retrievo.evaluate.datasets import CONTEXT_LENGTH, Dataset, JudgedQuery
from retrievo.evaluate.long_texts import facts, filled, names, plain_filler, varied_filler
from retrievo.types import Document

Task = Literal["passkey", "needle"]
TASKS: tuple[str, ...] = get_args(Task)

QUERIES, CANDIDATES = 50, 100
"""Of each length, as in LongEmbed."""

_WORDS_A_TOKEN = 0.75


@dataclass(frozen=True, slots=True)
class LongTask:
    """Documents of one length in tokens, and the queries that they answer.

    Of documents that a folder does not give by length, `tokens` is the mean.
    """

    name: str
    tokens: int
    documents: tuple[Document, ...]
    queries: tuple[JudgedQuery, ...]
    warnings: list[str] = field(default_factory=list)

    def write(self, folder: str | Path) -> None:
        """Write the task as a BEIR folder, for `retrievo eval` and `read_tasks`."""
        folder = Path(folder)
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        size = {CONTEXT_LENGTH: self.tokens}
        corpus = [{"_id": d.id, "title": d.title, "text": d.text, **size} for d in self.documents]
        queries = [{"_id": query.id, "text": query.text} for query in self.queries]
        for name, items in (("corpus", corpus), ("queries", queries)):
            lines = "".join(json.dumps(item) + "\n" for item in items)
            (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
        rows = "query-id\tcorpus-id\tscore\n" + "".join(
            f"{query.id}\t{doc_id}\t{grade}\n"
            for query in self.queries
            for doc_id, grade in query.grades.items()
        )
        (folder / "qrels" / "test.tsv").write_text(rows, encoding="utf-8")


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
    if task not in TASKS:
        raise ConfigError(f"task is {task!r}; one of {', '.join(TASKS)} is wanted")
    if not isinstance(tokens, int) or isinstance(tokens, bool):
        raise ConfigError(f"a length is {tokens!r}; a whole number of tokens is wanted")
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
    documents, asked = [], []
    for number, (sentences, question) in enumerate(keys):
        name = f"{task}-{tokens}-{number:03}"
        documents.append(Document(name, filled(sentences, words, filler(draw), draw)))
        if number < queries:
            asked.append(JudgedQuery(f"q-{name}", question, {name: 1}))
    draw.shuffle(documents)
    return LongTask(task, tokens, tuple(documents), tuple(asked))


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


def read_tasks(folder: str | Path) -> list[LongTask]:
    """The tasks of a BEIR folder, or of LongEmbed's: one for each length that it tells, else one.

    A length is the `context_length` of a document: LongEmbed's passkey and needle have eight, its
    NarrativeQA and the like have none. A folder that holds such folders is read as one. Raises
    DatasetError for what is missing or malformed, and for two folders of one length.
    """
    folder = Path(folder)
    inner = [] if (folder / "corpus.jsonl").is_file() else sorted(folder.glob("*/corpus.jsonl"))
    found: dict[int, LongTask] = {}
    for one in [path.parent for path in inner] or [folder]:
        for task in _by_length(Dataset.read(one), folder.resolve().name):
            if task.tokens in found:
                raise DatasetError(
                    f"{folder} holds two collections of {task.tokens} tokens; name one of them"
                )
            found[task.tokens] = task
    return [found[tokens] for tokens in sorted(found)]


def _by_length(dataset: Dataset, name: str) -> Iterator[LongTask]:
    groups: dict[int | None, list[Document]] = {}
    for document in dataset.documents():
        length = document.metadata.get(CONTEXT_LENGTH)
        known = isinstance(length, int) and not isinstance(length, bool)
        groups.setdefault(length if known else None, []).append(document)
    for length, documents in groups.items():
        ids = {document.id for document in documents}
        # What is judged of another length is not there to be found.
        here = [
            replace(query, grades={name: g for name, g in query.grades.items() if name in ids})
            for query in dataset.queries
        ]
        queries = tuple(query for query in here if any(g > 0 for g in query.grades.values()))
        if queries:
            tokens = _mean_tokens(documents) if length is None else length
            yield LongTask(name, tokens, tuple(documents), queries, dataset.warnings)


def _mean_tokens(documents: list[Document]) -> int:
    words = sum(len(document.text.split()) for document in documents)
    return round(words / _WORDS_A_TOKEN / len(documents))
