"""Which words of a query a chunk has, where it has them, and what each gave to the score."""

from collections.abc import Mapping

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
    made = [
        TokenScore(query.text[start:end], (start, end), spans.get(index, []), share * here)
        for index, start, end, share in analysis.occurrences(query.text)
        for here in (weights.get(index, 0.0),)
    ]
    for word, weight in query.terms.items():
        if weight > 0:
            for index, start, end, share in analysis.occurrences(word):
                score = weight * share * weights.get(index, 0.0)
                made.append(TokenScore(word[start:end], (0, 0), spans.get(index, []), score))
    return made
