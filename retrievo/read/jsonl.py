"""Reads records: one JSON object a line, or a .json file with one object or a list of them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from retrievo.errors import DocumentError, ReadError
from retrievo.read.decoding import byte_order_mark, decode, refuse_binary
from retrievo.telling import tell
from retrievo.types import Document

_TEXT = ("text", "content", "page_content", "body")
_ID = ("id", "_id", "doc_id")
_METADATA = ("metadata", "meta", "attributes")
_TOLD = 5
_MISSING = object()


class JsonReader:
    """A document a record; the fields named here may be dotted paths (`payload.body`).

    Without names, the text is the first of text, content, page_content and body, the id of id,
    _id and doc_id, the metadata of metadata, meta and attributes. Other top-level fields that are
    not objects join the metadata. A record without an id gets '#' and its number, from 0.

    A record that cannot be used is a RetrievoWarning that names file and place, five of them one
    by one, and the rest goes on. Raises ReadError where no record can be used.
    """

    suffixes = frozenset({".jsonl", ".ndjson", ".json"})
    streamed = frozenset({".jsonl", ".ndjson"})
    many = True

    def __init__(
        self,
        *,
        text_field: str | None = None,
        id_field: str | None = None,
        title_field: str = "title",
        metadata_field: str | None = None,
    ) -> None:
        self.incomplete = False
        self._text = (text_field,) if text_field else _TEXT
        self._id = (id_field,) if id_field else _ID
        self._title = (title_field,)
        self._metadata = (metadata_field,) if metadata_field else _METADATA

    def read(self, path: Path) -> Iterator[Document]:
        records = _lines(path) if path.suffix.lower() in self.streamed else _whole(path)
        given, refused, told = 0, 0, list[str]()
        self.incomplete = False
        for n, (place, record) in enumerate(records):
            try:
                document = self._document(record() if callable(record) else record, n)
            # ValueError: what json finds malformed, a constant such as NaN, a text that is no
            # Unicode; RecursionError: brackets nested a thousand deep.
            except (ValueError, RecursionError) as error:
                why = "nested too deep" if isinstance(error, RecursionError) else str(error)
                refused += 1
                self.incomplete = True
                if refused <= _TOLD:
                    told.append(f"{place} left out: {why}")
                continue
            given += 1
            yield document
        if not given:
            raise ReadError(f"{path}: no usable record; {told[0] if told else 'none in it'}")
        # At the end, so that a file without any record is told once, as an error.
        for message in told:
            _warn(f"{path}: {message}")
        if refused > _TOLD:
            _warn(f"{path}: {refused - _TOLD} further records left out")

    def _document(self, record: object, n: int) -> Document:
        if not isinstance(record, dict):
            raise DocumentError(f"a {type(record).__name__}, an object is wanted")
        text_name, text = _first(record, self._text)
        if not isinstance(text, str):
            found = "no text" if text is _MISSING else f"{text_name!r} is a {type(text).__name__}"
            keys = ", ".join(map(repr, list(record)[:8]))
            raise DocumentError(f"{found} (a str in {' or '.join(self._text)}); it has {keys}")
        id_name, given_id = _first(record, self._id)
        if given_id is not _MISSING and (
            isinstance(given_id, bool) or not isinstance(given_id, (str, int))
        ):
            raise DocumentError(f"its {id_name!r} is a {type(given_id).__name__}, a str is wanted")
        doc_id = "" if given_id is _MISSING else str(given_id)
        title_name, title = _first(record, self._title)
        metadata_name, nested = _first(record, self._metadata)
        used = (text_name, id_name, title_name)
        metadata = {
            key: value
            for key, value in record.items()
            if key not in used and not isinstance(value, dict)
        }
        if isinstance(nested, dict):
            metadata.pop(metadata_name, None)
            metadata |= {
                key: value for key, value in nested.items() if f"{metadata_name}.{key}" not in used
            }
        made = "" if title is _MISSING else str(title)
        document = Document(doc_id or f"#{n}", text, metadata, made)
        # JSON can spell half a surrogate pair, which no file and no database takes.
        for part in (document.id, text, made, json.dumps(metadata, ensure_ascii=False)):
            part.encode()
        return document


def _first(record: Mapping[str, Any], names: Iterable[str]) -> tuple[str, Any]:
    """Name and value of the first field that is there and not null."""
    for name in names:
        value: Any = record.get(name)
        if value is None and "." in name:
            value = record
            for step in name.split("."):
                value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return name, value
    return "", _MISSING


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    """The place and a parser of each line that is not blank, read one at a time."""
    with path.open("rb") as file:
        marked = byte_order_mark(head := file.read(8192))
        if marked is None:
            refuse_binary(head, path)
        if marked and marked[0] != "utf-8":
            # Two- and four-byte encodings cannot be cut at a line feed byte: read whole.
            lines: Iterable[bytes] = decode(path.read_bytes(), path).encode().split(b"\n")
        else:
            file.seek(marked[1] if marked else 0)
            lines = file
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"line {number}", lambda line=line: _parse(line.decode())


def _whole(path: Path) -> Iterator[tuple[str, Any]]:
    text = decode(path.read_bytes(), path)
    try:
        data = _parse(text)
    except (ValueError, RecursionError) as error:
        hint = ""
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
            hint = "; one object a line? then name it .jsonl"
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ReadError(f"{path}: not JSON: {why}{hint}") from error
    for n, record in enumerate(data if isinstance(data, list) else [data]):
        yield f"record {n}", record


def _parse(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON; leave the field out")


def _warn(message: str) -> None:
    tell(message, stacklevel=3)
