"""The chunks before and after a hit, returned with it: what is found may be too short to read."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from retrievo.contracts import Store
from retrievo.hits import Hit
from retrievo.search.joining import joined
from retrievo.types import Chunk

MOST_GAP = 200
"""Characters between two chunks that may be white space, or the markup of a page."""

Span = tuple[int, int]
"""The first and the last place, among the chunks of a document, that a hit covers."""


def with_neighbours(
    hits: Sequence[Hit],
    store: Store,
    reach: int | Sequence[int],
    wanted: int,
    tenant: str | None = None,
    documents: dict[str, list[Chunk]] | None = None,
) -> tuple[list[Hit], list[tuple[Hit, dict[str, Any]]]]:
    """At most `wanted` hits with their neighbours, and those that are inside another one.

    `reach` is how many chunks come on each side, of each hit or of all. `documents` keeps what was
    read of the store, for another call.

    Hits of one document whose chunks would overlap or touch become one, at the place of the best
    and with its trace, to which `expanded` adds how many chunks came before and after it, and how
    many characters between them no chunk holds: those are shown as white space. A gap of more than
    MOST_GAP ends the widening.
    """
    documents = {} if documents is None else documents
    reaches = [reach] * len(hits) if isinstance(reach, int) else reach
    spans: list[tuple[Hit, Span, list[str]]] = []
    gone: list[tuple[Hit, dict[str, Any]]] = []
    with store.reading():
        for hit, n in zip(hits, reaches, strict=True):
            chunks = documents.get(hit.doc_id)
            if chunks is None:
                chunks = documents[hit.doc_id] = _chunks(hit.doc_id, store, tenant)
            span = _span(hit, chunks, n)
            taken = _overlapping(hit.doc_id, span, spans)
            if taken is None and len(spans) < wanted:
                spans.append((hit, span, []))
            late, more = hit, [hit.chunk.id]
            while taken is not None:
                # What has grown may reach a third hit: that one goes into the better of the two.
                best, (low, high), within = spans[taken]
                within += more
                span = min(low, span[0]), max(high, span[1])
                spans[taken] = best, span, within
                gone.append((late, {"of": best.doc_id, "chunk_id": best.chunk.id}))
                other = _overlapping(hit.doc_id, span, spans, but=taken)
                if other is None:
                    break
                keep, go = sorted((taken, other))
                late, low_high, more = spans.pop(go)
                more = [late.chunk.id, *more]
                span = min(span[0], low_high[0]), max(span[1], low_high[1])
                taken = keep
    return [_widened(hit, span, more, documents[hit.doc_id]) for hit, span, more in spans], gone


def widened_within(
    hits: Sequence[Hit],
    store: Store,
    n: int,
    max_tokens: int,
    count_tokens: Callable[[str], int],
    tenant: str | None = None,
) -> tuple[list[Hit], list[tuple[Hit, dict[str, Any]]], int]:
    """The hits with up to `n` neighbours on each side, as far as a budget of tokens goes.

    The better a hit is, the sooner it gets them; each has all that fit of one chunk on each side
    before any has two. With them come those that are inside another one, and the tokens there are.
    """
    documents: dict[str, list[Chunk]] = {}

    def tokens_of(found: Sequence[Hit]) -> int:
        return sum(count_tokens(hit.text) for hit in found)

    def tried(reach: Sequence[int]) -> tuple[list[Hit], list[tuple[Hit, dict[str, Any]]], int]:
        found, gone = with_neighbours(hits, store, reach, len(hits), tenant, documents)
        return found, gone, tokens_of(found)

    reach = [0] * len(hits)
    nothing: list[tuple[Hit, dict[str, Any]]] = []
    best = list(hits), nothing, tokens_of(hits)
    for step in range(1, n + 1):
        together = tried([step] * len(hits)) if min(reach, default=0) == step - 1 else None
        if together is not None and together[2] <= max_tokens:
            best, reach = together, [step] * len(hits)
            continue
        for i in range(len(hits)):
            wider = [*reach[:i], step, *reach[i + 1 :]]
            one = tried(wider) if reach[i] == step - 1 else None
            if one is not None and one[2] <= max_tokens:
                best, reach = one, wider
    found, gone, tokens = best
    told = [replace(hit, trace={**hit.trace, "tokens": count_tokens(hit.text)}) for hit in found]
    return told, gone, tokens


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
    while low > max(0, int(mine[0]) - n) and starts[low] - ends[low - 1] <= MOST_GAP:
        low -= 1
    while (
        high < min(len(chunks) - 1, int(mine[-1]) + n) and starts[high + 1] - ends[high] <= MOST_GAP
    ):
        high += 1
    return low, high


def _overlapping(
    doc_id: str, span: Span, spans: Sequence[tuple[Hit, Span, list[str]]], *, but: int = -1
) -> int | None:
    """The first of the document's spans, `but` for one, that shares a chunk with this one."""
    for place, (hit, (low, high), _) in enumerate(spans):
        if (
            place != but
            and hit.doc_id == doc_id
            and low >= 0
            and low <= span[1]
            and span[0] <= high
        ):
            return place
    return None


def _widened(hit: Hit, span: Span, more: Sequence[str], chunks: Sequence[Chunk]) -> Hit:
    low, high = span
    if low < 0:
        return hit
    chunk = joined(chunks[low : high + 1], most_gap=MOST_GAP)
    if chunk is None or (chunk.start, chunk.end) == (hit.chunk.start, hit.chunk.end):
        return hit
    before = sum(one.start < hit.chunk.start for one in chunks[low : high + 1])
    after = sum(one.end > hit.chunk.end for one in chunks[low : high + 1])
    pairs = pairwise(chunks[low : high + 1])
    lost = sum(max(0, later.start - earlier.end) for earlier, later in pairs)
    told = {"before": before, "after": after, "characters_between": lost, "hits": list(more)}
    return replace(hit, chunk=chunk, trace={**hit.trace, "expanded": told})
