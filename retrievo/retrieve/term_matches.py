"""Which words of a query a chunk has, where it has them, and what each gave to the score."""

from collections.abc import Mapping
from dataclasses import replace

from retrievo.retrieve.analysis import Analysis
from retrievo.types import Chunk, Query, TokenScore


def term_matches(
    analysis: Analysis, query: Query, chunk: Chunk, weights: Mapping[int, float]
) -> list[TokenScore]:
    """A TokenScore for each term of the query, in its order, and then for each added word.

    `weights` is what each term of the chunk gives to a query that has it once. A word that stands
    twice in the query is there twice, a name in code with each of its parts. Added words are in no
    text: their span is (0, 0). Spans in the chunk's context are left out, as they are not in its
    text.
    """
    context = len(chunk.indexed_text) - len(chunk.text)
    spans: dict[int, list[tuple[int, int]]] = {}
    for index, start, end, _ in analysis.of(chunk).occurrences(chunk.indexed_text):
        places = spans.setdefault(index, [])
        if start >= context and (start - context, end - context) not in places[-1:]:
            places.append((start - context, end - context))
    for places in spans.values():
        places.sort()
    made = _scores(analysis, query.text, weights, spans)
    for word, weight in query.terms.items():
        if weight > 0:
            added = _scores(analysis, word, weights, spans)
            made += [replace(one, query_span=(0, 0), score=weight * one.score) for one in added]
    return made


def _scores(
    analysis: Analysis,
    text: str,
    weights: Mapping[int, float],
    spans: Mapping[int, list[tuple[int, int]]],
) -> list[TokenScore]:
    """One for each word of the text, whose terms in several languages are taken together."""
    made: dict[tuple[int, int], TokenScore] = {}
    for term, start, end, share in analysis.occurrences(text):
        before = made.get((start, end))
        score = share * weights.get(term, 0.0) + (before.score if before else 0.0)
        places = sorted({*spans.get(term, ()), *(before.spans if before else ())})
        made[start, end] = TokenScore(text[start:end], (start, end), places, score)
    return list(made.values())
