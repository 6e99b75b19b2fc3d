"""What a memory store holds at one moment, and what a write makes of it.

A state is never changed: a write builds the next one, and the store then takes it by one
assignment. What stops a write anywhere leaves the old state, and who searches an old state while
another is built finds what was there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from retrievo.contracts import Batch, Space
from retrievo.errors import StoreError
from retrievo.store.memory.growing import Growing, Kept
from retrievo.store.memory.inverted import Inverted
from retrievo.store.memory.lookups import Lookups
from retrievo.store.representations import Places, pick, stack
from retrievo.types import Chunk, Representation, Rows, SparseRows


class Entry(NamedTuple):
    """A document: its number, what its content was, and its rows from `first` on."""

    number: int
    fingerprint: str
    first: int
    n: int


@dataclass(frozen=True, slots=True)
class State:
    """Position p of `rows`, `owners`, `numbers`, `chunks` and each of `kept` is one chunk.

    `rows` ascend. `numbers` are those of the documents, `owners` of the tenants. `chunks` is shared
    with later states, which may have put more behind ours.
    """

    rows: Growing
    numbers: Growing
    owners: Growing
    chunks: list[Chunk]
    kept: Mapping[str, Kept]
    documents: Mapping[str | None, Mapping[str, Entry]]
    """By tenant and id; a tenant without documents is not there."""
    tenants: tuple[str | None, ...] = (None,)
    fitted: Mapping[str, float | None] = field(default_factory=dict)
    next_row: int = 0
    next_number: int = 0
    lookups: Lookups = field(default_factory=Lookups)

    @classmethod
    def empty(cls, spaces: Mapping[str, Space]) -> "State":
        kept = {name: Kept.nothing(space) for name, space in spaces.items()}
        rows, numbers, owners = (Growing(np.empty(0, np.int64)) for _ in range(3))
        return cls(rows, numbers, owners, [], kept, {})

    def __len__(self) -> int:
        return len(self.rows)

    def places(self, rows: Rows) -> Places:
        """Where the rows are. Raises StoreError for an unknown one."""
        here = self.rows.array
        places = np.searchsorted(here, rows)
        found = places < len(here)
        found[found] = here[places[found]] == rows[found]
        if not found.all():
            raise StoreError(f"the memory store has no row {rows[~found][0]}")
        return places.astype(np.int64)

    def values(self, name: str) -> Representation:
        """One representation of all rows. Raises StoreError where there is none of the name."""
        if name not in self.kept:
            raise StoreError(
                f"the memory store keeps no representation {name!r}; it has {sorted(self.kept)}"
            )
        return self.kept[name].values

    def inverted(self, name: str) -> Inverted:
        values = self.values(name)
        if not isinstance(values, SparseRows):
            raise StoreError(f"representation {name!r} is not sparse")
        return self.lookups.inverted(name, values)

    def tenanted(self) -> bool | None:
        """Whether the documents belong to tenants; None where there is none."""
        return None not in self.documents if self.documents else None

    def entry(self, tenant: str | None, doc_id: str) -> Entry | None:
        return self.documents.get(tenant, {}).get(doc_id)


def written(state: State, batch: Batch) -> State:
    """The state with the batch's documents in the place of those of the same ids."""
    ids = [document.id for document, _ in batch.items]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise StoreError(f"document {twice!r} is in one batch twice; nothing of it is written")
    values = {name: _values(state, name, batch) for name in state.kept}
    fitted = {name: state.fitted.get(name) for name in state.kept}
    for name, own in batch.representations.items():
        if isinstance(own, SparseRows) and fitted.get(name) is None:
            fitted[name] = own.fitted_mean
    return _added(replace(without(state, ids, batch.tenant), fitted=fitted), batch, values)


def _values(state: State, name: str, batch: Batch) -> Representation:
    """One representation of the batch's chunks: its own rows, and copies of those it reuses."""
    kept = state.kept[name].values
    copied = batch.reuse >= 0
    fresh = int(len(copied) - copied.sum())
    own = batch.representations.get(name)
    if (0 if own is None else len(own)) != fresh:
        raise StoreError(
            f"a batch has {0 if own is None else len(own)} rows of {name!r} for {fresh} new chunks"
        )
    if isinstance(own, np.ndarray) and isinstance(kept, np.ndarray):
        if own.shape[1:] != kept.shape[1:]:
            raise StoreError(
                f"a batch has vectors of shape {own.shape} for {name!r}, the index keeps "
                f"{kept.shape[1]} numbers each"
            )
    if own is not None and fresh == len(copied):
        return own
    copies = pick(kept, state.places(batch.reuse[copied]))
    if own is None:
        return copies
    # The batch's rows come first in the stack; this puts each chunk back in its place.
    order = np.argsort(np.argsort(copied, kind="stable"), kind="stable")
    return pick(stack([own, copies]), order)


def _added(state: State, batch: Batch, values: Mapping[str, Representation]) -> State:
    if not batch.items:
        return state
    sizes = [len(part) for _, part in batch.items]
    n, new = sum(sizes), len(sizes)
    firsts = state.next_row + np.concatenate([[0], np.cumsum(sizes)])
    entries = {
        document.id: Entry(state.next_number + i, fingerprint, int(firsts[i]), sizes[i])
        for i, ((document, _), fingerprint) in enumerate(
            zip(batch.items, batch.fingerprints, strict=True)
        )
    }
    tenants = state.tenants
    if batch.tenant not in tenants:
        tenants = (*tenants, batch.tenant)
    # An interrupted write may have left chunks that no state has.
    del state.chunks[len(state) :]
    state.chunks.extend(chunk for _, part in batch.items for chunk in part)
    numbers = np.repeat(state.next_number + np.arange(new), sizes)
    kept = {name: held.plus(values[name]) for name, held in state.kept.items()}
    return replace(
        state,
        rows=state.rows.plus(state.next_row + np.arange(n)),
        numbers=state.numbers.plus(numbers),
        owners=state.owners.plus(np.full(n, tenants.index(batch.tenant))),
        kept=kept,
        documents={
            **state.documents,
            batch.tenant: {**state.documents.get(batch.tenant, {}), **entries},
        },
        tenants=tenants,
        next_row=state.next_row + n,
        next_number=state.next_number + new,
        lookups=state.lookups.grown(),
    )


def without(state: State, doc_ids: Sequence[str], tenant: str | None) -> State:
    """The state without those of the tenant's documents."""
    here = state.documents.get(tenant, {})
    gone = {name: here[name] for name in doc_ids if name in here}
    if not gone:
        return state
    left = {name: entry for name, entry in here.items() if name not in gone}
    documents = {**state.documents, tenant: left}
    if not left:
        del documents[tenant]
    rows = [np.arange(entry.first, entry.first + entry.n) for entry in gone.values()]
    stays = np.ones(len(state), bool)
    stays[state.places(np.concatenate(rows))] = False
    if stays.all():
        return replace(state, documents=documents)
    places = np.flatnonzero(stays)
    return replace(
        state,
        rows=state.rows.at(places),
        numbers=state.numbers.at(places),
        owners=state.owners.at(places),
        chunks=[state.chunks[place] for place in places.tolist()],
        kept={name: held.at(places) for name, held in state.kept.items()},
        documents=documents,
        lookups=state.lookups.narrowed(places),
    )


def replaced(
    state: State, name: str, rows: Rows, values: Representation, fitted_mean: float | None
) -> State:
    """The state with other values of one representation of the rows."""
    kept = {**state.kept, name: state.kept[name].replaced(state.places(rows), values)}
    fitted = dict(state.fitted)
    if fitted_mean is not None:
        fitted[name] = fitted_mean
    return replace(state, kept=kept, fitted=fitted, lookups=state.lookups.without(name))
