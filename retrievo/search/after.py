"""What is done with hits once they are ranked: doubted, merged, widened, packed, in this order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from retrievo.contracts import Store
from retrievo.hits import Hit, Hits
from retrievo.search.duplicates import without_duplicates
from retrievo.search.neighbours import widened_within, with_neighbours
from retrievo.search.options import SearchOptions
from retrievo.search.packing import packed
from retrievo.search.parents import merged_parents

POOL = 4
"""Hits that are looked at for each that is wanted: merging and packing make few of many."""

Step = Literal["below min_confidence", "a duplicate", "inside another hit", "over the token budget"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A hit that a step left out, which step that was, and what there is to say of it."""

    hit: Hit
    step: Step
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the steps need: the store and the tenant, a token counter, a measure of confidence."""

    store: Store
    tenant: str | None
    count_tokens: Callable[[str], int] | None = None
    confidence: Callable[[float], float] | None = None


def finished(
    hits: Hits, options: SearchOptions, top_k: int, tools: Tools
) -> tuple[Hits, list[Dropped]]:
    """The best `top_k` hits after every step that the options ask for, and what went on the way."""
    dropped: list[Dropped] = []
    found: Sequence[Hit] = hits
    warnings = list(hits.warnings)
    confidence = None
    if tools.confidence is not None and len(hits):
        found, confidence = _doubted(found, options, tools.confidence, warnings, dropped)
    if options.drop_duplicates is not None:
        found, gone = without_duplicates(found, options.drop_duplicates)
        dropped += [Dropped(hit, "a duplicate", detail) for hit, detail in gone]
    # What does not fit is replaced by what comes next, so more than top_k are made ready.
    ready = top_k if options.max_context_tokens is None else 2 * top_k
    if options.parents is not None:
        if found and all(hit.chunk.parent is None for hit in found):
            warnings.append(
                "parents was asked for, and no chunk that was found has one; the chunker "
                "'hierarchical' makes chunks with parents"
            )
        found = merged_parents(found, tools.store, options.parents, ready, tools.tenant)
    tokens = None
    budget, wide = options.max_context_tokens, options.expand_context
    if budget is not None:
        # Packed first, and widened with what is left: a passage must not grow out of the budget.
        assert tools.count_tokens is not None
        count_tokens = cache(tools.count_tokens)  # widening counts most texts again and again
        found, gone, tokens = packed(found, budget, top_k, count_tokens)
        dropped += [Dropped(hit, "over the token budget", detail) for hit, detail in gone]
        if gone:
            warnings.append(
                f"{len(gone)} of {len(found) + len(gone)} passages did not fit into "
                f"max_context_tokens = {budget:,}"
            )
        if wide:
            found, gone, tokens = widened_within(
                found, tools.store, wide, budget, count_tokens, tools.tenant
            )
            dropped += [Dropped(hit, "inside another hit", detail) for hit, detail in gone]
    elif wide:
        found, gone = with_neighbours(found, tools.store, wide, ready, tools.tenant)
        dropped += [Dropped(hit, "inside another hit", detail) for hit, detail in gone]
    best = [
        hit if hit.rank == rank else replace(hit, rank=rank)
        for rank, hit in enumerate(found[:top_k], start=1)
    ]
    made = Hits(best, hits.query, hits.timings, warnings, confidence=confidence, tokens=tokens)
    return made, dropped


def _doubted(
    hits: Sequence[Hit],
    options: SearchOptions,
    confidence: Callable[[float], float],
    warnings: list[str],
    dropped: list[Dropped],
) -> tuple[list[Hit], float]:
    """The hits with their confidence, without those that have too little, and the best's."""
    kept = []
    least = options.min_confidence or 0.0
    shares = []
    for hit in hits:
        # Of the fused score: a reranker's is on another scale.
        share = confidence(hit.trace.get("fused", hit.trace)["score"])
        shares.append(share)
        told = replace(hit, trace={**hit.trace, "confidence": share})
        if share >= least:
            kept.append(told)
        else:
            dropped.append(Dropped(told, "below min_confidence", {"confidence": share}))
    if kept and len(kept) < len(hits):
        gone = len(hits) - len(kept)
        warnings.append(f"{gone} of {len(hits)} hits are below min_confidence = {least:g}")
    if not kept:
        warnings.append(
            f"no hit reaches min_confidence = {least:g}: the best has {max(shares):.2f}, so "
            "there is no answer"
        )
    return kept, max(shares)
