"""Hits packed into what a language model may be given."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from retrievo.hits import Hit


def packed(
    hits: Sequence[Hit], max_tokens: int, top_k: int, count_tokens: Callable[[str], int]
) -> tuple[list[Hit], list[tuple[Hit, dict[str, Any]]], int]:
    """At most `top_k` hits, best first, whose texts have at most `max_tokens` tokens together.

    With them come those that did not fit and how many tokens there are. A hit that does not fit is
    left out whole, and a shorter one after it may still fit: a passage that is cut in the middle
    says what its document does not. The texts alone are counted, not what is put between them.
    """
    kept: list[Hit] = []
    gone: list[tuple[Hit, dict[str, Any]]] = []
    used = 0
    for hit in hits:
        if len(kept) == top_k:
            break
        tokens = count_tokens(hit.text)
        if used + tokens > max_tokens:
            gone.append((hit, {"tokens": tokens, "left": max_tokens - used}))
            continue
        used += tokens
        kept.append(replace(hit, trace={**hit.trace, "tokens": tokens}))
    return kept, gone, used
