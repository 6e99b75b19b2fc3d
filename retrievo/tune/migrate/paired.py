"""The same texts as two encoders see them: what a map between their spaces is fitted on."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.errors import ConfigError, EncoderError
from retrievo.telling import tell
from retrievo.types import Rows, Vectors

Wide = npt.NDArray[np.float64]

FEWEST_DOCUMENTS = 20
FEWEST_QUERIES = 4
HELD_OUT = 0.2
"""The share of the documents, with their queries, that no fit sees before the choice is made."""

_FEW_HELD_OUT = 50


@dataclass(frozen=True, slots=True)
class Pairs:
    """Vectors of sampled documents, and of short texts out of them, by both encoders.

    `old_documents` float32[n, dim old] as the index holds them, `new_documents` float32[n, dim new]
    by the new encoder's `encode_document`. `old_queries` and `new_queries` are of m sentences, by
    `encode_query` of each; `owners` int64[m] says which document each sentence is taken from. Not
    every document needs a sentence: maps are fitted on documents and judged by sentences, so that
    four fifths of a budget are best spent on documents.
    """

    old_documents: Vectors
    new_documents: Vectors
    old_queries: Vectors
    new_queries: Vectors
    owners: Rows

    def usable(self) -> "UnitPairs":
        """The pairs in which neither side is zero, at length 1.

        A sentence whose document is left out is left out with it. Raises EncoderError for sides
        that are not aligned and, naming the row, for a number that is not finite; ConfigError for
        fewer than 20 documents or sentences of fewer than 4 of them. Fewer pairs than dimensions
        are told, and fewer than 50 sentences to choose by.
        """
        for name, old, new in (
            ("documents", self.old_documents, self.new_documents),
            ("queries", self.old_queries, self.new_queries),
        ):
            if old.ndim != 2 or new.ndim != 2 or len(old) != len(new):
                raise EncoderError(
                    f"a map is fitted on pairs: the {name} have the shapes {old.shape} by the old "
                    f"encoder and {new.shape} by the new one"
                )
            _check_finite(name, "old", old)
            _check_finite(name, "new", new)
        if self.old_documents.shape[1] != self.old_queries.shape[1] or (
            self.new_documents.shape[1] != self.new_queries.shape[1]
        ):
            raise EncoderError("documents and queries of one encoder differ in their dimensions")
        n = len(self.old_documents)
        owners = np.asarray(self.owners, dtype=np.int64)
        if owners.shape != (len(self.old_queries),) or not ((owners >= 0) & (owners < n)).all():
            raise EncoderError(
                f"owners has the shape {owners.shape} for {len(self.old_queries)} queries; one row "
                f"of the {n} documents is wanted for each"
            )
        there = _there(self.old_documents, self.new_documents)
        asked = _there(self.old_queries, self.new_queries) & there[owners]
        place = np.cumsum(there) - 1
        kept = UnitPairs(
            _unit(self.old_documents[there]),
            _unit(self.new_documents[there]),
            _unit(self.old_queries[asked]),
            _unit(self.new_queries[asked]),
            place[owners[asked]],
        )
        _check_enough(kept)
        return kept


@dataclass(frozen=True, slots=True)
class UnitPairs:
    """Pairs fit to be used: no row is zero, each has length 1, float64."""

    old_documents: Wide
    new_documents: Wide
    old_queries: Wide
    new_queries: Wide
    owners: Rows

    def split(self, seed: int) -> "Split":
        """A fifth of the documents, drawn by `seed` from those with a sentence, held out."""
        with_query = np.unique(self.owners)
        wanted = max(FEWEST_QUERIES, round(HELD_OUT * len(self.old_documents)))
        # Half of them at most, so that something is left to fit where nearly none has a sentence.
        wanted = min(wanted, len(with_query), len(self.old_documents) // 2)
        held = np.random.default_rng(seed).permutation(with_query)[:wanted]
        is_held = np.zeros(len(self.old_documents), dtype=bool)
        is_held[held] = True
        return Split(
            np.flatnonzero(~is_held),
            np.flatnonzero(is_held[self.owners]),
        )


class Split(NamedTuple):
    """Rows of the documents to fit on, and of the queries whose documents are held out."""

    documents: Rows
    held_queries: Rows


def _check_finite(name: str, side: str, vectors: Vectors) -> None:
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise EncoderError(
            f"{int(bad.sum())} of {len(vectors)} vectors of {name} by the {side} encoder hold a "
            f"number that is not finite, the first in row {int(bad.argmax())}; encode these texts "
            "again"
        )


def _check_enough(pairs: UnitPairs) -> None:
    documents, asked = len(pairs.old_documents), len(np.unique(pairs.owners))
    if documents < FEWEST_DOCUMENTS or asked < FEWEST_QUERIES:
        raise ConfigError(
            f"a map is fitted on {documents} documents that are not empty, with sentences of "
            f"{asked}; at least {FEWEST_DOCUMENTS} and {FEWEST_QUERIES} are wanted, and more than "
            "the vectors have dimensions are needed for a good one"
        )
    dim = max(pairs.old_documents.shape[1], pairs.new_documents.shape[1])
    if (fitted := documents + len(pairs.owners)) < dim:
        tell(
            f"the map is fitted on {fitted} pairs, fewer than the {dim} dimensions of their "
            "vectors: it fits these texts better than others; give it more",
            stacklevel=4,
        )
    if min(asked, round(HELD_OUT * documents)) < _FEW_HELD_OUT:
        tell(
            f"fewer than {_FEW_HELD_OUT} sentences are held out to judge the map by: its figures "
            "are rough; give it more documents with sentences",
            stacklevel=4,
        )


def _there(old: Vectors, new: Vectors) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.logical_and(old.any(axis=1), new.any(axis=1))
    return found


def _unit(vectors: Vectors) -> Wide:
    rows = np.asarray(vectors, dtype=np.float64)
    made: Wide = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return made
