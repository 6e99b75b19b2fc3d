"""What a transformer student learns from: texts, and the vectors that the teacher has for them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.errors import ConfigError, EncoderError
from retrievo.types import Vectors

LEAST = 50
"""Texts; fewer neither fit a map nor say whether a training helped."""

_HELD_OUT = 200
_UNIT = 1e-2  # stored vectors may have been rounded


class Prompts(NamedTuple):
    """What the teacher puts before a text of each side, and so does its student."""

    query: str = ""
    document: str = ""


class Pairs(NamedTuple):
    """Texts with their prompts before them, and targets, float32[len(texts), dim]."""

    texts: list[str]
    targets: Vectors
    queries: npt.NDArray[np.bool_]
    """Which of them are texts of queries."""

    def take(self, places: npt.NDArray[np.int64]) -> "Pairs":
        """Those at the places, in their order."""
        return Pairs(
            [self.texts[place] for place in places.tolist()],
            self.targets[places],
            self.queries[places],
        )

    def fewer_documents(self, share: float) -> "Pairs":
        """All queries, with at most that many documents for each; all where queries are few."""
        queries = int(self.queries.sum())
        if queries < LEAST:
            return self
        documents = np.flatnonzero(~self.queries)[: int(share * queries)]
        return self.take(np.sort(np.concatenate([np.flatnonzero(self.queries), documents])))

    def divided(self, seed: int) -> tuple["Pairs", "Pairs"]:
        """Those to learn from, in a random order, and a tenth, at most 200, to measure by.

        What is held out are queries where there are enough of them: those are what it is for.
        """
        draw = np.random.default_rng(seed)
        order = draw.permutation(len(self.texts))
        measured = self.queries if self.queries.sum() >= LEAST else ~self.queries
        size = min(_HELD_OUT, int(measured.sum()) // 10)
        held = order[measured[order]][:size]
        rest = order[~np.isin(order, held)]
        return self.take(rest), self.take(held)


def pairs_of(
    texts: Sequence[str],
    vectors: Vectors,
    sentences: Sequence[str],
    sentence_vectors: Vectors,
    prompts: Prompts,
) -> Pairs:
    """Documents first, then queries; those without a text or with a zero vector are left out.

    Raises EncoderError for vectors of another number or size and for numbers that are not finite,
    ConfigError for fewer than 50 pairs.
    """
    texts, sentences = list(texts), list(sentences)
    _check("document", texts, vectors)
    _check("query", sentences, sentence_vectors)
    if sentences and texts and vectors.shape[1] != sentence_vectors.shape[1]:
        raise EncoderError(
            f"the vectors of documents have {vectors.shape[1]} dimensions, those of queries "
            f"{sentence_vectors.shape[1]}: they are not of one teacher"
        )
    sides = [(prompts.document, texts, vectors), (prompts.query, sentences, sentence_vectors)]
    made, targets, queries = [], [], []
    for is_query, (prompt, given, found) in enumerate(sides):
        if not given:
            continue
        says = np.array([bool(text.strip()) for text in given]) & found.any(axis=1)
        made += [prompt + given[place] for place in np.flatnonzero(says)]
        targets.append(np.asarray(found[says], np.float32))
        queries.append(np.full(int(says.sum()), bool(is_query)))
    if len(made) < LEAST:
        raise ConfigError(
            f"{len(made)} texts that are not empty were given, and a student learns from {LEAST} "
            "at least; index more documents"
        )
    return Pairs(made, np.concatenate(targets), np.concatenate(queries))


def length_of(targets: Vectors) -> float | None:
    """The mean length of the vectors; None where they all have length 1."""
    lengths = np.linalg.norm(targets.astype(np.float64), axis=1)
    return None if np.abs(lengths - 1).max() < _UNIT else float(lengths.mean())


def _check(side: str, texts: list[str], vectors: Vectors) -> None:
    if not texts:
        return
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise EncoderError(
            f"{len(texts)} {side} texts and vectors of the shape {vectors.shape} were given; one "
            "vector for each text is wanted"
        )
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise EncoderError(
            f"{int(bad.sum())} of {len(vectors)} {side} vectors hold a number that is not finite, "
            f"the first in row {int(bad.argmax())}; encode these texts again"
        )
