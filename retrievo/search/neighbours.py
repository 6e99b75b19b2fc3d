"""The chunks before and after a hit, returned with it: what is found may be too short to read."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from retrievo.contracts import Store
from retrievo.hits import Hit
from retrievo.search.joining import joined
from retrievo.types import Chunk

Span = tuple[int, int]
"""The first and the last place, among the chunks of a document, that a hit covers."""


def with_neighbours(
    hits: Sequence[Hit], store: Store, n: int, wanted: int, tenant: str | None = None
) -> tuple[list[Hit], list[tuple[Hit, dict[str, Any]]]]:
    """At most `wanted` hits with `n` chunks on each side, and those that are inside another one.

    Hits of one document whose chunks would overlap or touch become one, at the place of the best
    and with its trace, to which `expanded` adds how many chunks came before and after it. A text
    between two chunks that no chunk holds ends the widening there.
    """
    documents: dict[str, list[Chunk]] = {}
    spans: list[tuple[Hit, Span, list[str]]] = []
    gone: list[tuple[Hit, dict[str, Any]]] = []
    with store.reading():
        for hit in hits:
            chunks = documents.get(hit.doc_id)
            if chunks is None:
                chunks = documents[hit.doc_id] = _chunks(hit.doc_id, store, tenant)
            span = _span(hit, chunks, n)
            taken = _overlapping(hit.doc_id, span, spans)
            if taken is not None:
                other, (low, high), more = spans[taken]
                spans[taken] = other, (min(low, span[0]), max(high, span[1])), more
                more.append(hit.chunk.id)
                gone.append((hit, {"of": other.doc_id, "chunk_id": other.chunk.id}))
            elif len(spans) < wanted:
                spans.append((hit, span, []))
    return [_widened(hit, span, more, documents[hit.doc_id]) for hit, span, more in spans], gone


def _chunks(doc_id: str, store: Store, tenant: str | None) -> list[Chunk]:
    return store.get(store.document_rows([doc_id], tenant)[0])


def _span(hit: Hit, chunks: Sequence[Chunk], n: int) -> Span:
    """The places that the hit covers with its neighbours; none, (-1, -1), where it is not there.

    A hit may be a parent by now, and cover several chunks itself.
    """
    starts = np.array([chunk.start for chunk in chunks])
    ends = np.array([chunk.end for chunk in chunks])
    mine = np.flatnonzero((starts >= hit.chunk.start) & (ends <= hit.chunk.end))
    if not mine.size:
        return -1, -1  # deleted or replaced since it was found
    low = high = int(mine[0])
    high = int(mine[-1])
    while low > max(0, int(mine[0]) - n) and ends[low - 1] >= starts[low]:
        low -= 1
    while high < min(len(chunks) - 1, int(mine[-1]) + n) and ends[high] >= starts[high + 1]:
        high += 1
    return low, high


def _overlapping(
    doc_id: str, span: Span, spans: Sequence[tuple[Hit, Span, list[str]]]
) -> int | None:
    """The first of the spans of the document that shares a chunk with this one."""
    for place, (hit, (low, high), _) in enumerate(spans):
        if hit.doc_id == doc_id and low >= 0 and low <= span[1] and span[0] <= high:
            return place
    return None


def _widened(hit: Hit, span: Span, more: Sequence[str], chunks: Sequence[Chunk]) -> Hit:
    low, high = span
    if low < 0:
        return hit
    chunk = joined(chunks[low : high + 1])
    if chunk is None or (chunk.start, chunk.end) == (hit.chunk.start, hit.chunk.end):
        return hit
    before = sum(one.start < hit.chunk.start for one in chunks[low : high + 1])
    after = sum(one.end > hit.chunk.end for one in chunks[low : high + 1])
    told = {"before": before, "after": after, "hits": list(more)}
    return replace(hit, chunk=chunk, trace={**hit.trace, "expanded": told})
