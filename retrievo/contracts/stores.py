"""What a store must offer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from retrievo.contracts.stored import Batch, Statistics, StoreStats
from retrievo.types import Candidates, Chunk, Representation, Rows, Scores

if TYPE_CHECKING:
    from retrievo.filters import Filter
    from retrievo.passport import Passport


class Store(Protocol):
    """Keeps chunks and their representations; `open` comes before everything else.

    Rows are the store's own int64 numbers. One number never comes to mean another chunk, not even
    after a delete. `capabilities` names what the store can do beyond dense search; what is asked
    of it beyond that raises StoreError:

    - "sparse", "multi": representations of that kind; "filter": `filters` of search and count
    - "tenants": documents that belong to a tenant (`tenant=`, and a `Scoped` filter)
    - "persistent": what was written is there after a new `open`, in another process too
    - "idf": query values of a space with `idf` are multiplied with ln(1 + (n - df + .5)/(df + .5))
    - "together": `search_together` answers several searches in one request
    - "approximate": a dense search may miss a row of the exact answer (never their number)
    - "maintenance": `optimize()` brings the index into its fastest form now, `vacuum()` gives disk
      space back
    - "snapshot": `snapshot(path)` writes a copy, of one moment, that many processes may open

    **Tenants fail closed.** An index is made with tenants or without, by its first document. With
    them, whatever takes documents, ids or filters raises TenantError without a tenant; without,
    with one. What is about all rows (`scan`, `get`, `vectors`, `replace`, `statistics`, `stats`)
    takes none.

    A representation or a row that is not there raises StoreError.

    Optional: `exists()`, whether there is an index to open: without it a plan makes one;
    `health()`, a sentence for each thing that is wrong; `path`, what messages call the index;
    `missing_keys(filters)`, the keys that the filters compare and no document has, and
    `known_keys(tenant)`, some that documents have, so that a search can tell of a misspelt key.
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

    # writing

    def write(self, batch: Batch) -> None:
        """Durable on return; each document is wholly old or wholly new at every moment."""
        ...

    def delete(self, doc_ids: Sequence[str], tenant: str | None = None) -> int:
        """How many of the documents were there and are gone."""
        ...

    def replace(
        self, representation: str, rows: Rows, values: Representation, fitted_mean: float | None
    ) -> None:
        """Put other values in the place of one representation of the rows."""
        ...

    def settle(self) -> None:
        """Called at the end of an ingest: the moment to compact."""
        ...

    # searching

    def search(
        self,
        representation: str,
        queries: Representation,
        depth: int,
        filters: "Filter | None" = None,
    ) -> list[Candidates]:
        """For each query the rows of the highest score, at most `depth`, best first.

        Dense: the inner product; min(depth, matches) rows. Sparse: the inner product; only rows
        that share an index with the query. Multi: for each vector of the query its highest inner
        product with a vector of the row, summed (MaxSim; Khattab and Zaharia 2020); rows that have
        a vector. `exhaustive` is set where those are fewer than `depth`.
        """
        ...

    def search_together(
        self,
        asked: "Sequence[tuple[str, Representation, int]]",
        filters: "Filter | None" = None,
    ) -> list[list[Candidates]]:
        """What `search` gives for each (representation, queries, depth); see "together"."""
        ...

    def score(self, representation: str, queries: Representation, rows: Rows) -> list[Scores]:
        """The score of each query with each of the rows, as a search of full precision has it."""
        ...

    def count(self, filters: "Filter | None" = None) -> int:
        """Chunks that match, all without a filter (of the whole index, whatever its tenants)."""
        ...

    def reading(self) -> AbstractContextManager[object]:
        """A scope in which nothing is written: what a search found can be fetched inside it.

        For the store's own methods: a pipeline that is searched inside it, while a migration of its
        index finishes in another thread, would wait for ever.
        """
        ...

    # looking up

    def get(self, rows: Rows) -> list[Chunk]:
        """The chunks of the rows, in the order given. Raises StoreError for an unknown row."""
        ...

    def rows(self, chunk_ids: Sequence[str], tenant: str | None = None) -> Rows:
        """int64[n], -1 where there is no such chunk."""
        ...

    def document_rows(self, doc_ids: Sequence[str], tenant: str | None = None) -> list[Rows]:
        """The rows of each document in the order of its chunks; empty where it is not there."""
        ...

    def document_numbers(self, rows: Rows) -> Rows:
        """int64[n]: equal for rows of one document, different for others; the store's own."""
        ...

    def tenants(self, rows: Rows) -> list[str | None]:
        """Whose each row is."""
        ...

    def tenanted(self) -> bool | None:
        """Whether the index is one with tenants; None before its first document."""
        ...

    def fingerprints(
        self, doc_ids: Sequence[str] | None = None, tenant: str | None = None
    ) -> dict[str, str]:
        """Fingerprints of those documents that are there; of all of the tenant, without ids."""
        ...

    def scan(self, size: int = 1024) -> Iterator[Rows]:
        """All rows, in ascending order, in pieces."""
        ...

    def vectors(self, representation: str, rows: Rows) -> Representation:
        """What is stored for the rows, dense and multi in full precision."""
        ...

    def document_count(self) -> int: ...
    def statistics(self, representation: str) -> Statistics: ...
    def frequencies(
        self, representation: str, indices: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.int64]:
        """In how many rows each index occurs."""
        ...

    def stats(self) -> StoreStats:
        """Counts, sizes, and how each representation is kept."""
        ...

    def close(self) -> None:
        """Free files and locks; anything but `close` afterwards raises StoreError."""
        ...
