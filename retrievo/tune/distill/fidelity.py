"""How near a student comes to its teacher: on held-out documents, on queries, on judged ones."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.encode.asymmetric import best, overlap_at, some_rows
from retrievo.encode.student.card import Fidelity, Judgement, Latency
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.metrics import parse_metrics
from retrievo.retrieve.rescue import margin_of
from retrievo.types import Rows, Vectors

NEAREST = 10
POOL = 5_000
"""Stored vectors that neighbours are looked for among; all of a smaller index."""

TIMED = 50

Encode = Callable[[Sequence[str]], Vectors]


class Pool(NamedTuple):
    """Stored vectors to look for neighbours among, evenly over the index."""

    rows: Rows
    vectors: Vectors


def pool_of(store: Store, representation: str, most: int = POOL) -> Pool:
    """At most `most` of the stored vectors, spread evenly over all rows."""
    rows = some_rows(store, most)
    starts = range(0, len(rows), 1024)
    pieces = [store.vectors(representation, rows[at : at + 1024]) for at in starts]
    dense = [piece for piece in pieces if isinstance(piece, np.ndarray)]
    return Pool(rows, np.concatenate(dense) if dense else np.empty((0, 0), np.float32))


def fidelity(pool: Pool, wanted: Vectors, found: Vectors) -> Fidelity:
    """The teacher's vectors of some texts against the student's, with the pool's documents.

    Zero rows, of texts that say nothing, do not count.
    """
    both = np.logical_and(wanted.any(axis=1), found.any(axis=1))
    wanted, found = wanted[both], found[both]
    lengths = np.linalg.norm(wanted, axis=1) * np.linalg.norm(found, axis=1)
    cosines = np.einsum("nd,nd->n", wanted, found) / np.maximum(lengths, 1e-30)
    return Fidelity(
        texts=len(wanted),
        documents=len(pool.rows),
        cosine=round(float(cosines.mean()), 4) if len(wanted) else 0.0,
        overlap=round(overlap_at(NEAREST, wanted @ pool.vectors.T, found @ pool.vectors.T), 4),
        k=min(NEAREST, len(pool.rows)),
    )


def margin(pool: Pool, wanted: Vectors, found: Vectors, share: float) -> float | None:
    """The least gap between a query's first and tenth score above which the student is sure.

    Sure is: of the queries with such a gap the teacher's first document is among the student's ten
    in `share`. The gap tells it well: on docs_qa in all queries of the highest quarter of gaps, in
    .47 of the lowest. None where no gap does it.
    """
    scores = found @ pool.vectors.T
    if scores.shape[1] < NEAREST or not len(scores):
        return None
    highest = -np.sort(-scores, axis=1)[:, :NEAREST]
    gaps = np.array([margin_of(row) for row in highest])
    firsts = (wanted @ pool.vectors.T).argmax(axis=1)
    right = (best(NEAREST, scores) == firsts[:, None]).any(axis=1)
    order = np.argsort(-gaps)
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    sure = np.flatnonzero(shares >= share)
    return None if not len(sure) else round(float(gaps[order[sure[-1]]]), 4)


def judgement(
    store: Store, representation: str, dataset: Dataset, student: Encode, teacher: Encode
) -> Judgement:
    """nDCG@10 of the dense search of the index for the dataset's queries, by both encoders.

    Documents count by their best chunk. The dataset's documents must be those of the index.
    """
    [metric] = parse_metrics(["ndcg@10"])
    texts = [query.text for query in dataset.queries]

    def mean(encode: Encode) -> float:
        found = store.search(representation, encode(texts), 100)
        total = 0.0
        for query, one in zip(dataset.queries, found, strict=True):
            ranked = list(dict.fromkeys(chunk.doc_id for chunk in store.get(one.rows)))
            total += metric(ranked, query.grades)
        return round(total / len(texts), 4)

    return Judgement(
        dataset=dataset.name, queries=len(texts), student=mean(student), teacher=mean(teacher)
    )


def latency(texts: Sequence[str], student: Encoder, teacher: Encoder) -> Latency:
    """CPU milliseconds of one query at a time, the median of each encoder, both in use for a while.

    The teacher is asked no text twice, in this run or in another: it may keep vectors of texts, and
    finding them again would be no measure.
    """
    run = secrets.token_hex(4)
    unseen = [f"{text} {run}{number}" for number, text in enumerate(texts[:TIMED])]
    student.encode_query(texts[:TIMED])
    teacher.encode_query([f"{texts[0]} {run}"])
    return Latency(
        student_ms=_median(student.encode_query, texts[:TIMED]),
        teacher_ms=_median(teacher.encode_query, unseen),
    )


def _median(encode: Encode, texts: Sequence[str]) -> float:
    times = []
    for text in texts:
        started = time.process_time()
        encode([text])
        times.append(time.process_time() - started)
    return round(float(np.median(times)) * 1e3, 4)
