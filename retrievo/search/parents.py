"""Parents in the place of their children: what is read may be larger than what is found."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import NamedTuple

import numpy as np

from retrievo.contracts import Store
from retrievo.hits import Hit
from retrievo.search.joining import joined
from retrievo.types import Chunk, Rows

Family = tuple[str, tuple[int, int]]


class Parent(NamedTuple):
    """A parent as a chunk, and how many children it has.

    Its tokens are the sum of its children's: at most so many, where they overlap.
    """

    chunk: Chunk
    children: int


def check_parents(share: float | None, *, per_document: bool) -> None:
    """Raise ValueError for what is no share, and where each document has one hit alone."""
    if share is None:
        return
    number = isinstance(share, Real) and not isinstance(share, bool)
    if not number or not 0 <= share <= 1:
        raise ValueError(
            f"parents is {share!r}; a number from 0 (each child gives way to its parent) to 1 (all "
            "children of a parent must be found) is wanted"
        )
    if per_document:
        raise ValueError("per_document keeps one chunk of a document, and parents wants several")


def merged_parents(
    hits: Sequence[Hit], store: Store, share: float, top_k: int, tenant: str | None = None
) -> list[Hit]:
    """The best `top_k` hits, where `share` of a parent's children are among them the parent.

    The parent stands at the place of its best child, with that one's score and trace, to which
    `merged` adds how many of its children were found. So many more hits are drawn in as merging
    has made room for. Children stay as they are where they do not hold their parent's whole text.
    """
    parents: dict[Family, Parent | None] = {}
    wanted = top_k
    while True:
        found = _merged(hits[:wanted], store, share, tenant, parents)
        if len(found) >= top_k or wanted >= len(hits):
            return [replace(hit, rank=rank) for rank, hit in enumerate(found[:top_k], start=1)]
        wanted += top_k - len(found)


def _merged(
    hits: Sequence[Hit],
    store: Store,
    share: float,
    tenant: str | None,
    parents: dict[Family, Parent | None],
) -> list[Hit]:
    families: dict[Family, int] = {}
    for hit in hits:
        family = _family(hit.chunk)
        if family is not None:
            families[family] = families.get(family, 0) + 1
    found: list[Hit] = []
    done: set[Family] = set()
    for hit in hits:
        family = _family(hit.chunk)
        if family is None:
            found.append(hit)
            continue
        if family in done:
            continue
        if family not in parents:
            parents[family] = parent_of(hit.chunk, store, tenant)
        known = parents[family]
        if known is None or families[family] < share * known.children:
            found.append(hit)
            continue
        done.add(family)
        merged = {"children": families[family], "of": known.children}
        found.append(replace(hit, chunk=known.chunk, trace={**hit.trace, "merged": merged}))
    return found


def _family(chunk: Chunk) -> Family | None:
    return None if chunk.parent is None else (chunk.doc_id, chunk.parent)


def parent_of(chunk: Chunk, store: Store, tenant: str | None = None) -> Parent | None:
    """A chunk's parent; None where its children do not hold all its text."""
    assert chunk.parent is not None
    with store.reading():
        rows = store.document_rows([chunk.doc_id], tenant)[0]
        here = np.flatnonzero(rows == store.rows([chunk.id], tenant)[0])
        if not here.size:
            return None  # deleted or replaced since it was found
        children = _siblings(chunk, rows, int(here[0]), store)
    parent = joined(children)
    if parent is None or (parent.start, parent.end) != chunk.parent:
        return None
    return Parent(parent, len(children))


def _siblings(chunk: Chunk, rows: Rows, place: int, store: Store) -> list[Chunk]:
    """The children of the chunk's parent: a run of the document's chunks around it."""
    low, high, step = place, place + 1, 8
    while True:
        low, high, step = max(0, low - step), min(len(rows), high + step), 2 * step
        found = store.get(rows[low:high])
        mine = [one.parent == chunk.parent for one in found]
        if (low == 0 or not mine[0]) and (high == len(rows) or not mine[-1]):
            return [one for one, is_mine in zip(found, mine, strict=True) if is_mine]
