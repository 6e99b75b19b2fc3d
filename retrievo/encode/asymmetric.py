"""Whether queries of one encoder may meet documents of another: declared, or measured on texts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.errors import MismatchError
from retrievo.types import Rows, Vectors

MIN_COSINE = 0.7
"""Of the two encoders' vectors of a query, in the mean. Encoders of different spaces are at 0."""

MIN_OVERLAP = 0.5
"""Of the ten nearest documents. A query encoder that finds fewer than half of what the document
encoder finds has lost about a quarter of its nDCG@10 (layers of MiniLM with a ridge, scifact)."""

TEXTS, DOCUMENTS, NEAREST = 128, 2_000, 10
LEAST_DOCUMENTS = 50
"""Ten of fewer say nothing: then the cosine decides alone."""

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_SHORTEST, _LONGEST = 20, 300  # characters of a sentence that can stand for a query


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near the queries of an encoder come to those of the document encoder.

    `cosine` is the mean over `texts` sentences of the index; `overlap` the mean share of the
    document encoder's ten nearest of `documents` stored vectors that are among the other's ten,
    None where there are too few documents to tell.
    """

    texts: int
    documents: int
    cosine: float
    overlap: float | None
    min_cosine: float = MIN_COSINE
    min_overlap: float = MIN_OVERLAP

    @property
    def accepted(self) -> bool:
        """Whether both are as high as they must be."""
        enough = self.overlap is None or self.overlap >= self.min_overlap
        return self.cosine >= self.min_cosine and enough

    def as_dict(self) -> dict[str, Any]:
        """What a passport keeps."""
        return {**asdict(self), "accepted": self.accepted}

    def __str__(self) -> str:
        told = f"cosine {self.cosine:.3f} (at least {self.min_cosine:g} is wanted)"
        if self.overlap is not None:
            told += f", overlap@{NEAREST} {self.overlap:.3f} (at least {self.min_overlap:g})"
        return f"{told}, on {self.texts} sentences and {self.documents} documents of the index"


def declared(fingerprint: str, query_encoder: Any) -> bool:
    """Whether the query encoder is the document encoder of that fingerprint, or says it fits it."""
    aligned_to = getattr(query_encoder, "aligned_to", None)
    return fingerprint in (query_encoder.fingerprint, aligned_to)


def check_sizes(encoder: Encoder, query_encoder: Encoder) -> None:
    """Raise MismatchError where no sample could make the two comparable.

    That is where their sizes differ, and where the query encoder says that it belongs to another.
    """
    if declared(encoder.fingerprint, query_encoder) and query_encoder.dim == encoder.dim:
        return
    aligned_to = getattr(query_encoder, "aligned_to", None)
    if query_encoder.dim != encoder.dim:
        raise refusal(encoder, query_encoder, "the numbers of dimensions differ")
    if aligned_to is not None:
        raise refusal(encoder, query_encoder, f"it is aligned to {aligned_to}")


def refusal(encoder: Encoder, query_encoder: Encoder, why: str) -> MismatchError:
    """The error that names both encoders, both fingerprints, and the ways out."""
    return MismatchError(
        f"the query encoder {_named(query_encoder)} ({query_encoder.dim} dimensions, fingerprint "
        f"{query_encoder.fingerprint}) is not aligned to the document encoder {_named(encoder)} "
        f"({encoder.dim} dimensions, fingerprint {encoder.fingerprint}): {why}; their vectors "
        "cannot be compared; leave [query_encoder] out, make one that fits with `retrievo "
        f"distill`, or use one whose aligned_to is {encoder.fingerprint}"
    )


def agreement(
    store: Store, representation: str, encoder: Encoder, query_encoder: Encoder
) -> Agreement | None:
    """The two encoders compared on sentences of the index; None while it holds no text.

    The sample is spread evenly over the rows, so it is the same each time. Costs the encoding of at
    most 128 sentences by each encoder.
    """
    with store.reading():
        rows = some_rows(store, DOCUMENTS)
        texts = list(sentences(store, rows, TEXTS))
        if not texts:
            return None
        stored = store.vectors(representation, rows)
        assert isinstance(stored, np.ndarray)
    # Outside of it: a writer must not wait for a model to be loaded.
    wanted, found = encoder.encode_query(texts), query_encoder.encode_query(texts)
    said = np.logical_and(wanted.any(axis=1), found.any(axis=1))
    if not said.any():
        return None
    wanted, found = wanted[said], found[said]
    cosine = float(np.mean(_cosines(wanted, found)))
    overlap = None
    if len(rows) >= LEAST_DOCUMENTS:
        overlap = overlap_at(NEAREST, wanted @ stored.T, found @ stored.T)
    return Agreement(len(wanted), len(rows), cosine, overlap)


def sentences(store: Store, rows: Rows, most: int) -> Iterator[str]:
    """At most `most` sentences, each of another chunk, that could stand for a query."""
    found = 0
    step = max(1, len(rows) // (2 * most))
    for at in range(0, len(rows), step * 64):
        for place, chunk in enumerate(store.get(rows[at : at + step * 64 : step])):
            one = sentence_of(chunk.text, place)
            if one and found < most:
                found += 1
                yield one
        if found >= most:
            return


def sentence_of(text: str, place: int = 0) -> str:
    """One sentence of the text, another one for another `place`; its beginning where none fits."""
    parts = [part.strip() for part in _SENTENCE_END.split(text)]
    fitting = [part for part in parts if _SHORTEST <= len(part) <= _LONGEST]
    return fitting[place % len(fitting)] if fitting else text.strip()[:_LONGEST].strip()


def overlap_at(k: int, wanted: Vectors, found: Vectors) -> float:
    """The mean share of the k best of each row of `wanted` that are among the k best of `found`.

    Both are scores, float32[queries, documents].
    """
    k = min(k, wanted.shape[1])
    if not k or not len(wanted):
        return 0.0
    pairs = zip(best(k, wanted), best(k, found), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) for a, b in pairs])) / k


def best(k: int, scores: Vectors) -> Rows:
    """int64[queries, k]: the places of the k highest of each row, in no order."""
    if k >= scores.shape[1]:
        return np.tile(np.arange(scores.shape[1]), (len(scores), 1))
    found: Rows = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return found


def _cosines(a: Vectors, b: Vectors) -> Vectors:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    made: Vectors = np.einsum("nd,nd->n", a, b) / np.maximum(lengths, 1e-30)
    return made


def some_rows(store: Store, most: int) -> Rows:
    """At most `most` rows, evenly over the first 200,000: a server's collection may be huge."""
    parts: Sequence[Rows] = list(islice(store.scan(), 200))
    return spread(np.concatenate(parts) if parts else np.empty(0, np.int64), most)


def spread(rows: Rows, most: int) -> Rows:
    """At most `most` of the rows, evenly over all, the same each time."""
    if len(rows) <= most:
        return rows
    made: Rows = rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
    return made


def _named(encoder: Encoder) -> str:
    told = getattr(encoder, "identity", None)
    identity = dict(told()) if callable(told) else {}
    return str(identity.get("model") or identity.get("name") or type(encoder).__name__)
