"""Parents in the place of their children: what is read may be larger than what is found."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import NamedTuple

import numpy as np

from retrievo.contracts import Store
from retrievo.hits import Hit, Hits
from retrievo.types import Chunk, Rows

POOL = 4
"""Hits that are looked at for each that is wanted: merging makes few of many."""

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


def with_parents(hits: Hits, store: Store, share: float, top_k: int, tenant: str | None) -> Hits:
    """The hits of a search with parents in the place of their children."""
    found = merged_parents(hits, store, share, top_k, tenant)
    warnings = list(hits.warnings)
    if hits and all(hit.chunk.parent is None for hit in hits):
        warnings.append(
            "parents was asked for, and no chunk that was found has one; the chunker "
            "'hierarchical' makes chunks with parents"
        )
    return Hits(found, hits.query, hits.timings, warnings)


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
    start, end = chunk.parent
    text, at = "", start
    for child in children:
        if child.start > at:
            return None
        text += child.text[at - child.start :]
        at = max(at, child.end)
    if at != end:
        return None
    tokens = sum(child.token_count for child in children)
    # The first child's context: a parent that begins with its title has it in its text.
    context = children[0].context
    parent = Chunk(chunk.doc_id, text, start, end, tokens, chunk.metadata, context)
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
