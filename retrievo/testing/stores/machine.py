"""Random histories of a store, each step held against the model (hypothesis, stateful)."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from retrievo.contracts import Batch, Store
from retrievo.filters import Filter, Scoped
from retrievo.testing.stores.checking import check_contents, check_search, rows_of
from retrievo.testing.stores.hooks import Held, StoreHooks, opened
from retrievo.testing.stores.model import Kept
from retrievo.testing.stores.samples import queries_of, values_of
from retrievo.testing.stores.strategies import FILTERS, IDS, METADATA, PIECES, TENANTS
from retrievo.types import Chunk, Document, SparseRows

SEEDS = st.integers(0, 2**16)
STEPS = 12


class StoreMachine(RuleBasedStateMachine):
    """Writes, edits, deletes, reopens and searches; `make` gives a store over a folder."""

    def __init__(self, make: Callable[[Path], Store], folder: Path) -> None:
        super().__init__()
        self.make, self.folder = make, folder
        self.held: Held = opened(make(folder))

    @property
    def capabilities(self) -> frozenset[str]:
        return self.held.store.capabilities

    @initialize(tenanted=st.booleans())
    def begin(self, tenanted: bool) -> None:
        self.tenants: tuple[str | None, ...] = (None,)
        if tenanted and "tenants" in self.capabilities:
            self.tenants = TENANTS

    @rule(
        chosen=st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True),
        data=st.data(),
        seed=SEEDS,
        reusing=st.booleans(),
    )
    def write(self, chosen: list[str], data: st.DataObject, seed: int, reusing: bool) -> None:
        tenant = data.draw(st.sampled_from(self.tenants))
        items = []
        for doc_id in chosen:
            pieces = data.draw(PIECES)
            document = Document(doc_id, "".join(pieces), data.draw(METADATA))
            items.append((document, _chunks(document, pieces)))
        sources = [
            self._source(tenant, chunk) if reusing else None
            for _, chunks in items
            for chunk in chunks
        ]
        fresh = sum(source is None for source in sources)
        draw = np.random.default_rng(seed)
        values = {name: values_of(space, fresh, draw) for name, space in self.held.spaces.items()}
        prints = [str(seed)] * len(items)
        batch = Batch(items, prints, values, self._rows(tenant, sources), tenant)
        self.held.store.write(batch)
        self.held.model.write(batch, sources)

    def _source(self, tenant: str | None, chunk: Chunk) -> Kept | None:
        """What the document has of this text now, as an ingest would take its vectors."""
        old = self.held.model.documents.get((tenant, chunk.doc_id), [])
        same = [kept for kept in old if kept.chunk.id == chunk.id]
        return next(iter(same or [k for k in old if k.chunk.text == chunk.text]), None)

    def _rows(self, tenant: str | None, sources: list[Kept | None]) -> Any:
        ids = [source.chunk.id for source in sources if source is not None]
        found = iter(self.held.store.rows(ids, tenant=tenant).tolist() if ids else [])
        return np.array([-1 if source is None else next(found) for source in sources], np.int64)

    @rule(chosen=st.lists(st.sampled_from(IDS), max_size=3, unique=True), data=st.data())
    def delete(self, chosen: list[str], data: st.DataObject) -> None:
        self.held.delete(*chosen, tenant=data.draw(st.sampled_from(self.tenants)))

    @rule(data=st.data(), seed=SEEDS)
    def replace(self, data: st.DataObject, seed: int) -> None:
        rows = rows_of(self.held.store)
        if not len(rows):
            return
        name = data.draw(st.sampled_from(sorted(self.held.spaces)))
        draw = np.random.default_rng(seed)
        rows = draw.permutation(rows)[: draw.integers(1, len(rows) + 1)]
        by_key = self.held.model.by_key()
        owners = self.held.store.tenants(rows)
        chunks = self.held.store.get(rows)
        kept = [by_key[(owner, chunk.id)] for owner, chunk in zip(owners, chunks, strict=True)]
        values = values_of(self.held.spaces[name], len(rows), draw)
        fitted = None
        if isinstance(values, SparseRows):
            lengths = np.array([one.lengths[name] for one in kept], np.float32)
            values = SparseRows(values.indptr, values.indices, values.values, lengths, None)
            fitted = float(seed)
        self.held.store.replace(name, rows, values, fitted)
        self.held.model.replace(name, kept, values, fitted)

    @rule()
    def settle(self) -> None:
        self.held.store.settle()

    @precondition(lambda self: "maintenance" in self.capabilities)
    @rule(method=st.sampled_from(["optimize", "vacuum"]))
    def maintain(self, method: str) -> None:
        getattr(self.held.store, method)()

    @precondition(lambda self: "persistent" in self.capabilities)
    @rule()
    def reopen(self) -> None:
        self.held.store.close()
        self.held.store = self.make(self.folder)
        self.held.store.open(None)

    @rule(wanted=st.none() | FILTERS, depth=st.sampled_from([1, 3, 100]), seed=SEEDS,
          data=st.data())  # fmt: skip
    def search(self, wanted: Filter | None, depth: int, seed: int, data: st.DataObject) -> None:
        if "filter" not in self.capabilities:
            wanted = None
        tenant = data.draw(st.sampled_from(self.tenants))
        asked = wanted if tenant is None else Scoped(tenant, wanted)
        note(f"asked: {asked}")
        for name, space in self.held.spaces.items():
            queries = queries_of(space, 2, np.random.default_rng(seed))
            check_search(self.held.store, self.held.model, name, queries, depth, asked)
        if "filter" in self.capabilities or wanted is None:
            assert self.held.store.count(asked) == len(self.held.model.kept(asked))

    @rule()
    def look_at_everything(self) -> None:
        check_contents(self.held.store, self.held.model)

    def teardown(self) -> None:
        try:
            self.look_at_everything()
        finally:
            self.held.store.close()


def _chunks(document: Document, pieces: list[str]) -> list[Chunk]:
    made, start = [], 0
    for piece in pieces:
        end = start + len(piece)
        made.append(Chunk(document.id, piece, start, end, metadata=document.metadata))
        start = end
    # An empty piece twice in one place would be one chunk twice.
    return list({chunk.id: chunk for chunk in made}.values())


class RandomHistories(StoreHooks):
    def test_random_histories_agree_with_the_model(self, tmp_path: Path) -> None:
        numbers = itertools.count()

        def machine() -> StoreMachine:
            return StoreMachine(self.make_store, tmp_path / f"history-{next(numbers)}")

        run_state_machine_as_test(
            machine,  # type: ignore[arg-type]  # a function that makes one is accepted as well
            settings=settings(
                max_examples=self.random_runs,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
