"""What flows through the pipeline: documents and chunks as records, candidates as arrays."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.errors import DocumentError
from retrievo.metadata import plain_metadata

Rows = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]


def content_hash(*parts: str) -> str:
    """32 hex digits that depend on the parts and on where one ends and the next begins."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


class Section(NamedTuple):
    """Where a part of a document starts, in characters, and its headings from the outside in."""

    start: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A text with an id and metadata; an empty text is valid.

    `metadata` takes what JSON can hold; dates become ISO 8601 strings, tuples lists.
    Without an id, the id is a hash of title, text and metadata: never random.
    Raises DocumentError for anything else, naming the document and the key.
    """

    id: str = ""
    text: str = None  # type: ignore[assignment]  # told below: a lone argument is the id
    metadata: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        if self.text is None:
            raise DocumentError(
                f"document {self.id!r} has no text; the id comes first: write "
                "Document(id, text) or Document(text=...)"
            )
        for name in ("id", "text", "title"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise DocumentError(
                    f"document {self.id!r}: {name} is a {type(value).__name__}, a str is wanted"
                )
        if not self.id.isascii():
            _check_encodable(self.id)
        if not isinstance(self.metadata, Mapping):
            raise DocumentError(
                f"document {self.id!r}: metadata is a {type(self.metadata).__name__}, "
                "a mapping is wanted"
            )
        object.__setattr__(self, "metadata", plain_metadata(self.metadata, self.id))
        if not self.id:
            meta = json.dumps(dict(self.metadata), sort_keys=True, ensure_ascii=False)
            object.__setattr__(self, "id", content_hash(self.title, self.text, meta))

    @classmethod
    def of(cls, item: object) -> "Document":
        """A Document of a Document, a mapping, or an object that carries text as a peer's does.

        Text is read from `text`, `content` or `page_content`, metadata from `metadata` or `meta`,
        the id from `id`, `_id` or `doc_id`; other fields of a mapping join the metadata. Raises
        DocumentError where there is no text.
        """
        if isinstance(item, Document):
            return item
        get: Callable[[str], Any] = (
            item.get if isinstance(item, Mapping) else partial(_attribute, item)
        )
        text = _first(get, "text", "content", "page_content")
        if text is None:
            kind = type(item).__name__
            found = (
                f" with the keys {sorted(map(str, item))[:8]}" if isinstance(item, Mapping) else ""
            )
            raise DocumentError(
                f"cannot make a document of a {kind}{found}: "
                "it has no 'text', 'content' or 'page_content'"
            )
        found_id = _first(get, "id", "_id", "doc_id")
        if found_id is not None and not isinstance(found_id, (str, int)):
            raise DocumentError(f"a document's id is a {type(found_id).__name__}, a str is wanted")
        metadata = _first(get, "metadata", "meta")
        title = get("title")
        if isinstance(item, Mapping) and isinstance(metadata, (Mapping, type(None))):
            # What stands beside the text is as much about the document as what stands below.
            rest = {k: v for k, v in item.items() if k not in _FIELDS and v is not None}
            metadata = {**rest, **(metadata or {})}
        return cls(
            "" if found_id is None else str(found_id),
            text,
            {} if metadata is None else metadata,
            "" if title is None else title,
        )


def _check_encodable(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DocumentError(
            f"document {name!r}: the id holds a lone surrogate, which no file or database can keep"
        ) from None


_FIELDS = frozenset(
    {"id", "_id", "doc_id", "text", "content", "page_content", "metadata", "meta", "title"}
)


def _attribute(item: object, name: str) -> Any:
    return getattr(item, name, None)


def _first(get: Callable[[str], Any], *names: str) -> Any:
    for name in names:
        value = get(name)
        if value is not None:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document: `document.text[start:end] == text`, in characters.

    `context` is embedded and indexed beside the text and never returned as text.
    `parent` is the span of the document that may be returned in the chunk's place.
    `token_count` is exact, or an upper bound where that alone proves that the text fits.
    `id` follows from document id, span and text. `truncated` is set by an ingest where an encoder
    did not read all of `indexed_text`: (tokens seen, tokens in all), in the encoder's own tokens.
    """

    doc_id: str
    text: str
    start: int
    end: int
    token_count: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    context: str = ""
    parent: tuple[int, int] | None = None
    id: str = ""
    truncated: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self.id:
            made = content_hash(self.doc_id, f"{self.start}:{self.end}", self.text)
            object.__setattr__(self, "id", made)

    @property
    def indexed_text(self) -> str:
        """What encoders and lexical indexes read: the context, a line break, the text."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def tokens_total(self) -> int:
        """Tokens as the encoder that cut the text counts them, else `token_count`."""
        return self.token_count if self.truncated is None else self.truncated[1]

    @property
    def tokens_seen(self) -> int:
        """How many of `tokens_total` are in the vector: all, where nothing was cut."""
        return self.token_count if self.truncated is None else self.truncated[0]


@dataclass(slots=True)
class Query:
    """A text to search for, what it counts beside others, and what is already encoded of it.

    `vectors` holds by representation what a retriever need not encode any more. `terms` are words
    that lexical retrievers add to those of the text, each with what it counts beside 1 for a word
    of the text. `steer` moves the vector: ("more", "practical") towards a text, ("less", "theory")
    away from one.
    """

    text: str
    weight: float = 1.0
    vectors: dict[str, Vectors] = field(default_factory=dict)
    terms: Mapping[str, float] = field(default_factory=dict)
    steer: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Chunks that a search found, best first, with the store's rows and their scores."""

    chunks: Sequence["Chunk"]
    rows: Rows
    scores: Scores

    def __len__(self) -> int:
        return len(self.chunks)


@dataclass(frozen=True, slots=True)
class TokenScore:
    """What one token of a query gave to a chunk's score, and where in the chunk it was matched.

    `query_span` is a span of the query, `spans` are spans of the chunk's text, all in characters;
    the sum of `score` over the tokens is the chunk's score.
    """

    token: str
    query_span: tuple[int, int]
    spans: Sequence[tuple[int, int]]
    score: float


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Sparse vectors in compressed rows: row i holds `indices[indptr[i]:indptr[i + 1]]`.

    `indptr` int64[n + 1], `indices` uint32, `values` float32. For representations whose weights
    depend on the mean length of the collection: `lengths` float32[n] is the length of each text in
    terms, `fitted_mean` the mean that the weights assume.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.uint32]
    values: Scores
    lengths: Scores | None = None
    fitted_mean: float | None = None

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, i: int) -> tuple[npt.NDArray[np.uint32], Scores]:
        part = slice(int(self.indptr[i]), int(self.indptr[i + 1]))
        return self.indices[part], self.values[part]


@dataclass(frozen=True, slots=True)
class MultiRows:
    """Several vectors a row: row i holds `vectors[indptr[i]:indptr[i + 1]]`, one a token, say.

    `indptr` int64[n + 1], `vectors` float32[indptr[n], dim]. A row may have none.
    """

    indptr: npt.NDArray[np.int64]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, i: int) -> Vectors:
        return self.vectors[int(self.indptr[i]) : int(self.indptr[i + 1])]


Representation = Vectors | SparseRows | MultiRows
"""Dense float32[n, dim], sparse rows, or several vectors a row."""


@dataclass(frozen=True, slots=True)
class BranchScores:
    """What one branch said of each candidate; arrays are aligned with the candidates' rows."""

    rank: npt.NDArray[np.int32]
    """From 1; 0 where the branch did not find the row."""
    score: Scores
    """Raw; NaN where the branch did not find the row and did not score it afterwards either."""
    normalised: Scores
    weight: float
    contribution: Scores


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows of a store with scores, best first; higher is better on every scale.

    `bound` is the highest score that this query could have. `exhaustive` says that no row outside
    the list matches at all, so a missing row scores nothing rather than up to the last score.
    `weight` is the share that the branch asks for in a fusion that has no setting of its own.
    `scored_by` says of each row which of several ways its score comes from, where a branch has
    several: the student's query or the teacher's, an old space or a new one.
    `found` says that only the first so many rows are what the branch found: the others, in the
    order of their rows, were found by another branch and scored by this one afterwards.
    """

    rows: Rows
    scores: Scores
    bound: float | None = None
    exhaustive: bool = False
    weight: float | None = None
    contributions: Mapping[str, BranchScores] | None = None
    scored_by: Sequence[str] | None = None
    found: int | None = None

    def __len__(self) -> int:
        return len(self.rows)
