"""What the author of a retriever gives the kit, and what its tests are handed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import numpy as np
import pytest

from retrievo.contracts import Batch, Retriever, Space, Store
from retrievo.filters import Filter
from retrievo.passport import Passport
from retrievo.store.memory.store import MemoryStore
from retrievo.testing.refusal import RefusesOverrides
from retrievo.testing.retrievers.samples import items
from retrievo.types import Candidates, Chunk, Document, Query, Rows

_BESIDE = "beside-the-retriever"


class RetrieverHooks(RefusesOverrides):
    """`make_retriever` must be given; the others where they say something of the retriever."""

    tolerance: ClassVar[float] = 1e-4
    """How far two scores may be apart that are the same: wider where a store approximates."""

    def make_retriever(self, store: Store) -> Retriever:
        """The retriever to be tested, over the store, which is not open yet."""
        raise NotImplementedError(
            f"{type(self).__name__} has no make_retriever(self, store): give what is to be tested"
        )

    @pytest.fixture
    def store(self) -> Store:
        """A store that is not open; one in memory unless the author gives another."""
        # It has all of a store but what it declares that it cannot do.
        return cast(Store, MemoryStore())

    @pytest.fixture
    def held(self, store: Store) -> Iterator["Held"]:
        """The retriever over a store that holds the samples."""
        made = Held(store, self.make_retriever(store))
        made.open()
        made.write(items())
        yield made
        store.close()

    @pytest.fixture
    def empty(self, store: Store) -> Iterator["Held"]:
        """The retriever over a store that holds nothing."""
        made = Held(store, self.make_retriever(store))
        made.open()
        yield made
        store.close()


@dataclass(slots=True)
class Held:
    """A retriever and its store."""

    store: Store
    retriever: Retriever
    chunks: dict[str, Chunk] = field(default_factory=dict)

    def open(self) -> None:
        # A retriever that keeps nothing has company: some stores want something to keep.
        spaces = {**self.retriever.representations, _BESIDE: Space("dense", 1)}
        self.store.open(Passport({}, {}, "", spaces), {})

    def write(
        self, documents: Sequence[tuple[Document, list[Chunk]]], tenant: str | None = None
    ) -> None:
        """Write the documents as an ingest does, and settle."""
        n = sum(len(chunks) for _, chunks in documents)
        kept = dict(self.retriever.represent(documents))
        kept[_BESIDE] = np.ones((n, 1), np.float32)
        prints = [f"{document.id} {len(chunks)}" for document, chunks in documents]
        fresh = np.full(n, -1, np.int64)
        self.store.write(Batch(list(documents), prints, kept, fresh, tenant))
        settle = getattr(self.retriever, "settle", None)
        if settle is not None:
            settle(self.store)
        for _, chunks in documents:
            self.chunks |= {chunk.id: chunk for chunk in chunks}

    def rows(self) -> Rows:
        return np.concatenate([np.empty(0, np.int64), *self.store.scan()])

    def find(self, text: str, depth: int = 1000, filters: Filter | None = None) -> Candidates:
        [found] = self.search([text], depth, filters)
        return found

    def search(
        self, texts: Sequence[str], depth: int = 1000, filters: Filter | None = None
    ) -> list[Candidates]:
        """As a pipeline searches: what has `prepare` is prepared."""
        queries: list[Any] = [Query(text) for text in texts]
        prepare = getattr(self.retriever, "prepare", None)
        if prepare is not None:
            prepare(queries, filters)
        found = self.retriever.search(queries, depth, filters)
        assert isinstance(found, list), f"search gave a {type(found).__name__}"
        assert len(found) == len(texts), f"{len(found)} lists for {len(texts)} queries"
        return found


def offered(held: Held, name: str) -> Any:
    """A method that the contract does not ask for; skips the test where it is not there."""
    method = getattr(held.retriever, name, None)
    if method is None:
        pytest.skip(f"this retriever has no {name}")
    return method
