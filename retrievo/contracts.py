"""What a component of each kind must offer: protocols, so that no base class is needed.

`capabilities`, where a part has it, is data that the pipeline and the contract kits both read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from retrievo.types import (
    Candidates,
    Chunk,
    Document,
    Query,
    Representation,
    Rows,
    Scores,
    SparseRows,
    Vectors,
)

if TYPE_CHECKING:
    from retrievo.filters import Filter
    from retrievo.passport import Passport

Kind = Literal["dense", "sparse", "multi"]
Spans = npt.NDArray[np.int32]
Items = Sequence[tuple[Document, list[Chunk]]]


@runtime_checkable
class Reader(Protocol):
    """Makes documents of files. `suffixes` are lower-case, with their dot: `{".md"}`.

    Optional: `many = True` where one file holds several documents, with ids of their own (those
    that begin with '#' are completed with the file's path); `streamed`, the suffixes that are read
    in pieces and so have no limit of size.
    """

    suffixes: frozenset[str]

    def read(self, path: Path) -> Iterator[Document]:
        """The documents of one file, with ids relative to nothing: the walk sets them.

        Raises ReadError, naming the file, where it cannot be read.
        """
        ...


@runtime_checkable
class Tokenizer(Protocol):
    """Says where tokens are; most encoders are one."""

    def token_spans(self, text: str) -> Spans:
        """int32[n, 2]: start and end of each token in characters, in order, without specials."""
        ...


@runtime_checkable
class Chunker(Protocol):
    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, each an exact slice of the document; an empty text gives one, empty."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors, queries and documents told apart.

    Optional, and looked for by name: `token_spans(text)` (see Tokenizer), `special_tokens: int`,
    `dense_weight: float` (its share in the default fusion), `identity() -> dict` for the passport,
    `encode_spans(text, spans)`, `encode_tokens(texts)`.
    """

    @property
    def dim(self) -> int: ...
    @property
    def max_tokens(self) -> int | None:
        """The most tokens that one text may have, specials included; None without a limit."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever the vectors of some text may change."""
        ...

    def encode_query(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given."""
        ...

    def encode_document(self, texts: Sequence[str]) -> Vectors:
        """float32[len(texts), dim], in the order given."""
        ...


@dataclass(frozen=True, slots=True)
class Space:
    """A representation that a retriever keeps in the store: its kind, and its size where dense.

    `settings` says what else must be equal for two of them to be compared: a tokenizer's language,
    the constants of stored weights. It goes into the passport.
    """

    kind: Kind
    size: int | None = None
    settings: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, str(self.size or ""), self.settings)))


@runtime_checkable
class Retriever(Protocol):
    """One branch: what it stores of a chunk, and how it searches that.

    Optional: `prepare(queries)`, called outside the store's lock to encode what `search` will need;
    `score(queries, rows) -> list[Scores]`; `settle(store) -> bool`, called at the end of
    an ingest to refit what depends on the whole collection; `whole_document = True` where a chunk's
    representation depends on more of its document than the chunk itself; `depth: int`.
    """

    @property
    def representations(self) -> Mapping[str, Space]: ...

    def represent(self, items: Items) -> Mapping[str, Representation]:
        """A row for each chunk of the items, in their order, for each representation."""
        ...

    def search(
        self, queries: Sequence[Query], depth: int, filters: "Filter | None" = None
    ) -> list[Candidates]:
        """For each query at most `depth` rows of the store."""
        ...


@dataclass(slots=True)
class Batch:
    """Documents to write, each replacing what the store holds under its id.

    `reuse[i]` is the row whose representations the i-th chunk keeps, or -1 where it takes the next
    row of each of `representations`. Chunks are counted through all items in order.
    """

    items: list[tuple[Document, list[Chunk]]]
    fingerprints: list[str]
    representations: Mapping[str, Representation]
    reuse: Rows


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a sparse representation: rows, their mean length now and at the last fit of weights."""

    n: int
    mean_length: float
    fitted_mean: float | None = None


class Store(Protocol):
    """Keeps chunks and their representations; `open` comes before everything else.

    Rows are the store's own int64 numbers: never used twice, not even after a delete.
    `capabilities` names what it can do beyond dense search: "sparse", "multi", "filter",
    "persistent".
    """

    capabilities: frozenset[str]

    def open(self, passport: "Passport | None", config: Mapping[str, Any] | None = None) -> None:
        """Open what is there, or create it with the passport and the configuration it belongs to.

        Raises IndexMissingError where nothing is there and no passport is given, IndexLockedError
        where another process holds it. Does not compare passports: the pipeline does.
        """
        ...

    def passport(self) -> "Passport | None": ...
    def config(self) -> dict[str, Any] | None: ...
    def stamp(self, passport: "Passport", config: Mapping[str, Any]) -> None:
        """Replace passport and configuration."""
        ...

    def write(self, batch: Batch) -> None:
        """Durable on return; each document is wholly old or wholly new at every moment."""
        ...

    def delete(self, doc_ids: Sequence[str]) -> int:
        """How many of the documents were there and are gone."""
        ...

    def search(
        self,
        representation: str,
        queries: "Vectors | SparseRows",
        depth: int,
        filters: "Filter | None" = None,
    ) -> list[Candidates]:
        """For each query the rows of the highest inner product, at most `depth`, best first.

        Dense: min(depth, matches) rows. Sparse: only rows that share an index with the query;
        `exhaustive` is set where those are fewer than `depth`.
        """
        ...

    def score(
        self, representation: str, queries: "Vectors | SparseRows", rows: Rows
    ) -> list[Scores]:
        """The inner product of each query with each of the rows."""
        ...

    def get(self, rows: Rows) -> list[Chunk]:
        """The chunks of the rows, in the order given. Raises StoreError for an unknown row."""
        ...

    def rows(self, chunk_ids: Sequence[str]) -> Rows:
        """int64[n], -1 where there is no such chunk."""
        ...

    def document_rows(self, doc_ids: Sequence[str]) -> list[Rows]:
        """The rows of each document in the order of its chunks; empty where it is not there."""
        ...

    def document_numbers(self, rows: Rows) -> Rows:
        """int64[n]: equal for rows of one document, different for others; the store's own."""
        ...

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        """All rows, in ascending order, in pieces."""
        ...

    def vectors(self, representation: str, rows: Rows) -> Representation:
        """What is stored for the rows."""
        ...

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        """Put other values in the place of one representation of the rows."""
        ...

    def fingerprints(self, doc_ids: Sequence[str] | None = None) -> dict[str, str]:
        """Fingerprints of those documents that are there; of all, without ids."""
        ...

    def statistics(self, representation: str) -> Statistics: ...
    def frequencies(
        self, representation: str, indices: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        """In how many rows each index occurs."""
        ...

    def reading(self) -> AbstractContextManager[object]:
        """A scope in which nothing is written: what a search found can be fetched inside it."""
        ...

    def count(self, filters: "Filter | None" = None) -> int:
        """Chunks that match, all without a filter."""
        ...

    def document_count(self) -> int: ...
    def settle(self) -> None:
        """Called at the end of an ingest: the moment to compact."""
        ...

    def close(self) -> None:
        """Free files and locks; anything but `close` afterwards raises StoreError."""
        ...


@runtime_checkable
class Fusion(Protocol):
    """Makes one list of several.

    Optional: `check_branches(names)`, which raises ConfigError where it cannot fuse these.
    """

    def fuse(self, branches: Mapping[str, Candidates], top_k: int) -> Candidates:
        """The best `top_k` rows and what ties with the last, with `contributions` to each score."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Reads query and chunk together."""

    def rank(self, query: str, chunks: Sequence[Chunk], top_k: int) -> Candidates:
        """Positions in `chunks` as rows, best first, with the model's own scores."""
        ...


@runtime_checkable
class Expander(Protocol):
    def expand(self, query: str) -> list[Query]:
        """More queries than one, the first often the query itself."""
        ...
