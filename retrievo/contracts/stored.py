"""What a store is handed and what it tells: spaces, batches, statistics, sizes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from retrievo.types import Candidates, Chunk, Document, Representation, Rows

Kind = Literal["dense", "sparse", "multi"]


@dataclass(frozen=True, slots=True)
class Space:
    """A representation that a retriever keeps in the store: its kind, and its size unless sparse.

    `settings` says what else must be equal for two of them to be compared: a tokenizer's language,
    the constants of stored weights. It goes into the passport. `idf` says that a query's values
    want the idf of their indices: a store with the capability "idf" multiplies them itself, for
    others the retriever does it.
    """

    kind: Kind
    size: int | None = None
    settings: str = ""
    idf: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, str(self.size or ""), self.settings)))


@dataclass(frozen=True, slots=True)
class Ask:
    """What a retriever's search asks of the store, and what it makes of the answer.

    `rows` are the queries in the form of the representation; `finish` adds to the store's
    candidates what only the retriever knows, such as their bound.
    """

    representation: str
    rows: Representation
    finish: Callable[[list[Candidates]], list[Candidates]]


@dataclass(slots=True)
class Batch:
    """Documents to write, each replacing what the store holds under its id.

    `reuse[i]` is the row whose representations the i-th chunk keeps, or -1 where it takes the next
    row of each of `representations`. Chunks are counted through all items in order. All documents
    belong to `tenant`: the same id of another tenant is another document.
    """

    items: list[tuple[Document, list[Chunk]]]
    fingerprints: list[str]
    representations: Mapping[str, Representation]
    reuse: Rows
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a sparse representation: rows, their mean length now and at the last fit of weights."""

    n: int
    mean_length: float
    fitted_mean: float | None = None


@dataclass(frozen=True, slots=True)
class RepresentationStats:
    """How one representation is kept: `coding` is what a search reads first ("float32", "int8", …).

    `coded` counts the vectors that have that coding; those written since the last compaction are
    float32 until the next. `graph` says whether a search walks an HNSW graph. `bytes_a_vector` is
    what a search reads of one vector (of a multi-vector of one of them), codes alone where there
    are any; 0 for sparse ones, whose sizes differ.
    """

    kind: Kind
    vectors: int
    coding: str = "float32"
    coded: int = 0
    graph: bool = False
    bytes_a_vector: float = 0.0

    def __str__(self) -> str:
        text = f"{self.vectors} {self.kind} vectors"
        if self.coding != "float32":
            text += f", {self.coded} of them as {self.coding}"
        elif self.kind != "sparse":
            text += " as float32"
        return text + (", with a graph" if self.graph else "")


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Sizes of a store: counts, bytes where they can be told, and each representation."""

    documents: int
    chunks: int
    tenants: int
    representations: Mapping[str, RepresentationStats]
    bytes_on_disk: int | None = None
    bytes_in_memory: int | None = None
    notes: tuple[str, ...] = ()
    truncated: tuple[int, int] | None = None
    """Chunks of which not all is in a vector, and the tokens that they lost; None where the store
    cannot tell it at once."""

    def as_dict(self) -> dict[str, Any]:
        """What `doctor --json` prints."""
        return {
            "documents": self.documents,
            "chunks": self.chunks,
            "tenants": self.tenants,
            "truncated_chunks": None if self.truncated is None else self.truncated[0],
            "tokens_lost": None if self.truncated is None else self.truncated[1],
            "bytes_on_disk": self.bytes_on_disk,
            "bytes_in_memory": self.bytes_in_memory,
            "representations": {
                name: {
                    "kind": one.kind,
                    "vectors": one.vectors,
                    "coding": one.coding,
                    "coded": one.coded,
                    "graph": one.graph,
                    "bytes_a_vector": one.bytes_a_vector,
                }
                for name, one in self.representations.items()
            },
            "notes": list(self.notes),
        }
