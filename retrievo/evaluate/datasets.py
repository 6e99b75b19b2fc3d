"""Test collections in the layout of BEIR: a folder with corpus.jsonl, queries.jsonl and qrels.

Thakur et al. 2021, BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation. The layout of
LongEmbed (Zhu et al. 2024) is read as well: `doc_id` and `qid` for `_id`, and qrels.jsonl.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrievo.errors import DatasetError, DocumentError
from retrievo.types import Document

CONTEXT_LENGTH = "context_length"
"""LongEmbed's key, and here that of the metadata, for the tokens that a document was made with."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query of a test collection, the grades of its documents, and its own filter if any."""

    id: str
    text: str
    grades: Mapping[str, int]
    filter: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A test collection: its judged queries in memory, its documents read as they are asked for.

    `warnings` say what was left out, and why.
    """

    name: str
    folder: Path
    split: str
    queries: tuple[JudgedQuery, ...]
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, folder: str | Path, *, split: str = "test") -> "Dataset":
        """The collection in the folder, judged by qrels/{split}.tsv, or qrels.tsv for "test".

        Judgments may be JSON lines as well (.jsonl): `qid`, `doc_id`, and `score`, 1 where it is
        left out; or `query-id` and `corpus-id`.
        Queries come from queries_{split}.jsonl where there is one, else from queries.jsonl; those
        without a judgment are left out. Raises DatasetError, naming file and line, for what is
        missing or malformed.
        """
        folder = Path(folder)
        _must_be_there(folder / "corpus.jsonl")
        own = folder / f"queries_{split}.jsonl"
        queries_path = own if own.is_file() else folder / "queries.jsonl"
        qrels_path = _qrels_path(folder, split)
        qrels = _read_qrels(qrels_path)
        queries = tuple(_read_queries(queries_path, qrels))
        if not queries:
            raise DatasetError(
                f"{folder}: none of the {len(qrels)} queries that {qrels_path.name} judges "
                f"is in {queries_path.name}"
            )
        warnings = []
        if unknown := set(qrels).difference(query.id for query in queries):
            warnings.append(
                f"{len(unknown)} of {len(qrels)} judged queries are not in {queries_path.name} "
                f"and are left out, as {min(unknown)!r}"
            )
        return cls(folder.resolve().name, folder, split, queries, warnings)

    def documents(self) -> Iterator[Document]:
        """The documents in the order of corpus.jsonl, read one by one.

        Metadata comes from `attributes` or `metadata`, and LongEmbed's `context_length` is put
        there. Raises DatasetError for a malformed line and for an id that occurs twice.
        """
        path = self.folder / "corpus.jsonl"
        lines: dict[str, int] = {}
        for number, item in _json_lines(path):
            doc_id = _identity(item, path, number, "_id", "doc_id")
            if doc_id in lines:
                raise DatasetError(
                    f"{path}, line {number}: _id {doc_id!r} was already on line {lines[doc_id]}"
                )
            lines[doc_id] = number
            metadata = {
                **({} if (size := item.get(CONTEXT_LENGTH)) is None else {CONTEXT_LENGTH: size}),
                **_mapping(item, "metadata", path, number),
                **_mapping(item, "attributes", path, number),
            }
            try:
                yield Document(doc_id, _text(item, path, number), metadata, item.get("title") or "")
            except DocumentError as error:
                raise DatasetError(f"{path}, line {number}: {error}") from error

    def unknown_documents(self, known: set[str]) -> list[str]:
        """Sorted ids of documents that the qrels judge and that are not among `known`."""
        judged = {doc_id for query in self.queries for doc_id in query.grades}
        return sorted(judged - known)


def _read_queries(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> Iterator[JudgedQuery]:
    seen: set[str] = set()
    for number, item in _json_lines(path):
        query_id = _identity(item, path, number, "_id", "qid")
        if query_id in seen:
            raise DatasetError(f"{path}, line {number}: _id {query_id!r} occurs twice")
        seen.add(query_id)
        condition = _mapping(item, "filter", path, number)
        if query_id in qrels:
            text = _text(item, path, number)
            yield JudgedQuery(query_id, text, qrels[query_id], condition or None)


def _qrels_path(folder: Path, split: str) -> Path:
    """Where the judgments are; the first place to look where they are nowhere."""
    beside = [folder / "qrels.tsv", folder / "qrels.jsonl"] if split == "test" else []
    places = [folder / "qrels" / f"{split}.tsv", folder / "qrels" / f"{split}.jsonl", *beside]
    return next((place for place in places if place.is_file()), places[0])


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Grades by document by query; a first line without a number is taken as the header."""
    qrels: dict[str, dict[str, int]] = {}
    if path.suffix == ".jsonl":
        for number, item in _json_lines(path):
            query_id = _identity(item, path, number, "qid", "query-id")
            doc_id = _identity(item, path, number, "doc_id", "corpus-id")
            qrels.setdefault(query_id, {})[doc_id] = _grade(item, path, number)
        return _some(qrels, path)
    for number, line in _lines(path):
        cells = line.split("\t")
        if len(cells) != 3:
            raise DatasetError(
                f"{path}, line {number}: {len(cells)} columns; query id, document id and grade, "
                "with tabs between, are wanted"
            )
        query_id, doc_id, grade = cells
        try:
            qrels.setdefault(query_id, {})[doc_id] = int(grade)
        except ValueError:
            if number > 1:
                raise DatasetError(
                    f"{path}, line {number}: the grade is {grade!r}, a whole number is wanted"
                ) from None
            qrels.clear()
    return _some(qrels, path)


def _some(qrels: dict[str, dict[str, int]], path: Path) -> dict[str, dict[str, int]]:
    if not qrels:
        raise DatasetError(f"{path} holds no judgments")
    return qrels


def _grade(item: Mapping[str, Any], path: Path, number: int) -> int:
    found = item.get("score", 1)
    if not isinstance(found, int | float) or not float(found).is_integer():
        raise DatasetError(
            f"{path}, line {number}: the score is {found!r}, a whole number is wanted"
        )
    return int(found)


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path}, line {number}: not JSON ({error})") from None
        if not isinstance(item, dict):
            raise DatasetError(
                f"{path}, line {number}: a {type(item).__name__}, a JSON object is wanted"
            )
        yield number, item


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    _must_be_there(path)
    with path.open("rb") as file:  # bytes, so that a wrong encoding can be told with its line
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError:
                raise DatasetError(f"{path}, line {number}: not UTF-8") from None
            if line.strip():
                yield number, line


def _must_be_there(path: Path) -> None:
    if not path.is_file():
        raise DatasetError(
            f"{path} is not there; a BEIR folder holds corpus.jsonl, queries.jsonl and "
            "qrels/test.tsv"
        )


def _identity(item: Mapping[str, Any], path: Path, number: int, *names: str) -> str:
    """The id under the first of the names that the item has."""
    name = next((name for name in names if name in item), names[0])
    found = item.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str) or not found:
        raise DatasetError(
            f"{path}, line {number}: {name} is {found!r}, a non-empty string is wanted"
        )
    return found


def _text(item: Mapping[str, Any], path: Path, number: int) -> str:
    text = item.get("text")
    if not isinstance(text, str):
        raise DatasetError(f"{path}, line {number}: text is {text!r}, a string is wanted")
    return text


def _mapping(item: Mapping[str, Any], key: str, path: Path, number: int) -> dict[str, Any]:
    found = item.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise DatasetError(
            f"{path}, line {number}: {key} is a {type(found).__name__}, a JSON object is wanted"
        )
    return found
