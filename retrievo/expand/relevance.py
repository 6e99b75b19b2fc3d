"""A relevance model: which words the passages use that a first search found, and how much."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from retrievo.retrieve.terms import Terms

_WORD = re.compile(r"\w+")
_LONGEST = 64
"""Characters of a word: what is longer is a key or an address, and no word to search for."""

_READ = 20_000
"""Characters of a passage that are read; a chunk has fewer."""

STEEP = 12
"""Ten passages in proportion to their scores cost BM25 .01 to .04 nDCG@10 on three collections; of
3, 6, 12 and the number of the query's words this one cost least."""

_Terms = tuple[int, ...]


def shares(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What each passage counts, in sum 1; all alike where no score is above 0.

    P(q|d) of the relevance model is a product over the query's words, and falls off steeply where
    scores, which are sums, lie close together: so the share goes by the score to the power of
    `STEEP`.
    """
    given = np.nan_to_num(np.maximum(scores.astype(np.float64), 0.0), posinf=0.0)
    best = given.max(initial=0.0)
    if not best:
        return np.full(len(given), 1.0 / max(len(given), 1))
    steep = (given / best) ** STEEP
    return np.asarray(steep / steep.sum())


def relevance_model(
    texts: Sequence[str],
    weights: npt.NDArray[np.float64],
    analysis: Terms,
    *,
    most: int,
    known: Callable[[Sequence[int]], npt.NDArray[np.bool_]] | None = None,
) -> dict[str, float]:
    """The `most` likeliest words of P(w|R) = sum over d of weight(d) P(w|d), in sum 1.

    Lavrenko and Croft 2001 (RM1). P(w|d) is the share of the passage's terms. Words that have a
    term in common are one, in the form that the passages use most. `known` says of terms whether
    they may be taken.
    """
    likely: defaultdict[_Terms, float] = defaultdict(float)
    forms: defaultdict[_Terms, Counter[str]] = defaultdict(Counter)
    for text, weight in zip(texts, weights.tolist(), strict=True):
        words = Counter(_words(text[:_READ], analysis))
        length = words.total()
        for (word, terms), times in words.items():
            likely[terms] += weight * times / length
            forms[terms][word] += times
    found = list(likely)
    if known is not None and found:
        # Of a word with several terms the first speaks for all.
        taken = known([terms[0] for terms in found]).tolist()
        found = [terms for terms, good in zip(found, taken, strict=True) if good]
    named = {_commonest(forms[terms]): likely[terms] for terms in found}
    best = sorted(named.items(), key=lambda pair: (-pair[1], pair[0]))[:most]
    total = sum(p for _, p in best)
    return {word: p / total for word, p in best} if total > 0 else {}


def _commonest(forms: Counter[str]) -> str:
    return min(forms, key=lambda word: (-forms[word], word))


def length_in_terms(text: str, analysis: Terms) -> int:
    """How many terms a query has, 1 where it has none."""
    return max(1, len(analysis.indices(text)))


def added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """The weights of both."""
    return {word: one.get(word, 0.0) + other.get(word, 0.0) for word in (*one, *other)}


def _words(text: str, analysis: Terms) -> list[tuple[str, _Terms]]:
    """The words that have terms, each with them; of what has no spaces the pairs of characters."""
    found = []
    for word in _WORD.findall(text.lower()):
        terms = tuple(analysis.indices(word))
        pieces = [word]
        if len(terms) > 1 and not word.isascii():
            pieces = [word[i : i + 2] for i in range(len(word) - 1)]
        for piece in pieces:
            own = terms if piece is word else tuple(analysis.indices(piece))
            if own and len(piece) <= _LONGEST:
                found.append((piece, own))
    return found
