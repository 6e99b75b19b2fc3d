"""How a batch gets into the `local` store: engine first, catalog after, in one visible step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Batch
from retrievo.store.local.catalog import Catalog
from retrievo.store.local.counts import TermCounts
from retrievo.store.local.engine import Engine
from retrievo.store.representations import document_frequencies, pick, stack
from retrievo.types import Representation, Rows, SparseRows


@dataclass(frozen=True, slots=True)
class _Change:
    """Where each chunk of a batch comes from, and which rows go."""

    kept: list[int]
    """Per chunk the row that stays as it is, or -1."""
    fresh: npt.NDArray[np.int64]
    """Places of the chunks that get a row of their own."""
    copied: npt.NDArray[np.bool_]
    """Of the fresh ones: those whose representations an old row already has."""
    gone: Rows


def write_batch(
    catalog: Catalog,
    counts: TermCounts,
    engine: Engine,
    batch: Batch,
    *,
    remove: Sequence[str] = (),
) -> tuple[Rows, Rows]:
    """Replace the batch's documents and take out those of `remove`, all of the batch's tenant.

    1. New rows are journalled as pending, handed to the engine, and flushed.
    2. One catalog transaction makes them visible and takes the old ones away.
    3. The engine forgets the old ones. A kill between two steps leaves the old or the new whole.

    The rows that are gone, and of each of the batch's chunks its row.
    """
    tenant = catalog.tenant_number(batch.tenant)
    change = _change(catalog, batch, remove, tenant)
    n = len(change.fresh)
    values = _values(counts, engine, batch, change)
    lost = {name: engine.fetch(name, change.gone) for name in engine.sparse if len(change.gone)}
    first = catalog.allocate(n) if n else 0
    rows = np.arange(first, first + n, dtype=np.int64)
    if n:
        engine.upsert(rows, values)
        engine.flush()
    with catalog.transaction():
        for name in engine.sparse:
            _count(counts, name, values.get(name), rows, lost.get(name), change.gone)
        catalog.forget_columns()
        catalog.bury(change.gone)
        catalog.remove_documents(remove, tenant)
        if batch.items:
            _put(catalog, batch, change, rows, catalog.tenant_number(batch.tenant, make=True))
        catalog.clear_pending()
    if len(change.gone):
        engine.delete(change.gone.tolist())
        engine.flush()
        catalog.clear_dead()
    of_chunks = np.array(change.kept, np.int64)
    of_chunks[change.fresh] = rows
    return change.gone, of_chunks


def replace_values(
    catalog: Catalog,
    counts: TermCounts,
    engine: Engine,
    representation: str,
    rows: Rows,
    values: Representation,
) -> None:
    """Put other values in the place of the rows'; sparse ones may have other indices."""
    before = engine.fetch(representation, rows) if isinstance(values, SparseRows) else None
    engine.replace(representation, rows, values)
    engine.flush()
    if not isinstance(before, SparseRows) or not isinstance(values, SparseRows):
        return
    (lost, less), (new, more) = document_frequencies(before), document_frequencies(values)
    if np.array_equal(lost, new) and np.array_equal(less, more):
        return
    with catalog.transaction():
        counts.add(representation, lost, -less, 0, 0.0)
        counts.add(representation, new, more, 0, 0.0)


def _change(catalog: Catalog, batch: Batch, remove: Sequence[str], tenant: int) -> _Change:
    names = [*(document.id for document, _ in batch.items), *remove]
    old = catalog.rows_of_documents(names, tenant)
    old_rows = np.array([row for rows in old.values() for row in rows], np.int64)
    chunks = [chunk for _, part in batch.items for chunk in part]
    if not len(old_rows):
        return _Change(
            [-1] * len(chunks),
            np.arange(len(chunks)),
            batch.reuse >= 0,
            old_rows,
        )
    # A chunk that kept its id and its representations keeps its row: the engine hears nothing.
    ids = catalog.chunk_ids(old_rows)
    kept = [
        row if row >= 0 and ids.get(row) == chunk.id else -1
        for chunk, row in zip(chunks, batch.reuse.tolist(), strict=True)
    ]
    fresh = np.array([place for place, row in enumerate(kept) if row < 0], np.int64)
    gone = np.setdiff1d(old_rows, np.array(kept, np.int64))
    return _Change(kept, fresh, batch.reuse[fresh] >= 0, gone)


def _values(
    counts: TermCounts, engine: Engine, batch: Batch, change: _Change
) -> Mapping[str, Representation]:
    """Representations of the fresh chunks: the batch's own, and copies of old rows'."""
    if not change.copied.any():
        return batch.representations
    source = batch.reuse[change.fresh[change.copied]]
    # The batch's rows come first in the stack; this puts each chunk back in its place.
    order = np.argsort(np.argsort(change.copied, kind="stable"), kind="stable")
    values: dict[str, Representation] = {}
    for name in engine.representations:
        copies = engine.fetch(name, source)
        if isinstance(copies, SparseRows):
            kept = counts.lengths(name, source)
            copies = SparseRows(copies.indptr, copies.indices, copies.values, kept)
        own = batch.representations.get(name)
        whole = copies if own is None or not len(own) else stack([own, copies])
        values[name] = pick(whole, order)
    return values


def _count(
    counts: TermCounts,
    name: str,
    new: Representation | None,
    rows: Rows,
    lost: Representation | None,
    gone: Rows,
) -> None:
    if isinstance(lost, SparseRows):
        terms, by = document_frequencies(lost)
        length = float(counts.lengths(name, gone).sum())
        counts.forget_lengths(name, gone)
        counts.add(name, terms, -by, -len(lost), -length)
    if isinstance(new, SparseRows) and len(new):
        lengths = new.lengths if new.lengths is not None else np.diff(new.indptr)
        terms, by = document_frequencies(new)
        counts.add(name, terms, by, len(new), float(lengths.sum()))
        counts.add_lengths(name, rows, lengths)
        if new.fitted_mean is not None and counts.statistics(name).fitted_mean is None:
            counts.set_fitted(name, new.fitted_mean)


def _put(catalog: Catalog, batch: Batch, change: _Change, rows: Rows, tenant: int) -> None:
    row_of = dict(zip(change.fresh.tolist(), rows.tolist(), strict=True))
    place = 0
    new, moved = [], []
    documents = [document for document, _ in batch.items]
    numbers = catalog.put_documents(documents, batch.fingerprints, tenant)
    for doc, (document, chunks) in zip(numbers, batch.items, strict=True):
        for ordinal, chunk in enumerate(chunks):
            own = chunk.metadata is not document.metadata
            if change.kept[place] >= 0:
                moved.append((change.kept[place], ordinal, chunk, own))
            else:
                new.append((row_of[place], doc, ordinal, chunk, own))
            place += 1
    catalog.move_chunks(moved)
    catalog.insert_chunks(new, tenant)
    catalog.set_truncated(((row, chunk) for row, _, chunk, _ in moved), known=True)
    catalog.set_truncated(((row, chunk) for row, _, _, chunk, _ in new), known=False)
