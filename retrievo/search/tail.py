"""The part of a chunk that its encoder did not read: whether it would have been found."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from retrievo.contracts import Encoder, Retriever
from retrievo.search.trail import Trail
from retrievo.types import Chunk, Document, Rows


class Tail(NamedTuple):
    """Of which branch, at which rank its unread text would stand, and how much was read."""

    branch: str
    rank: int
    seen: int
    total: int


def tail_of(
    chunks: Sequence[Chunk],
    rows: Rows,
    trail: Trail,
    retrievers: Mapping[str, Retriever],
    encoder: Callable[[], Encoder],
) -> Tail | None:
    """The best rank of an unread tail of the chunks; None where all was read.

    The tail is represented on its own and compared with what the branch has found: that is what a
    chunker of the right size would have made of it.
    """
    cut = [chunk for chunk in chunks if chunk.truncated is not None]
    spans_of = getattr(encoder(), "token_spans", None) if cut else None
    if spans_of is None:
        return None
    best: Tail | None = None
    for chunk in cut:
        assert chunk.truncated is not None
        seen, total = chunk.truncated
        text = chunk.indexed_text
        spans = spans_of(text)
        if seen >= len(spans):
            continue
        rest = text[int(spans[seen][0]) :]
        piece = Chunk(chunk.doc_id, rest, 0, len(rest), total - seen, chunk.metadata)
        item = (Document(chunk.doc_id, rest, chunk.metadata), [piece])
        for name, retriever in retrievers.items():
            found = trail.branches.get(name)
            dense = [key for key, one in retriever.representations.items() if one.kind == "dense"]
            if found is None or not dense:
                continue
            made = retriever.represent([item])
            for key in dense:
                vectors = [form.vectors[key] for form in trail.forms if key in form.vectors]
                vector = np.asarray(made[key])[0]
                scores = [float(v @ vector) for v in vectors if v.shape == vector.shape]
                others = found.scores[~np.isin(found.rows, rows)]
                for score in scores:
                    rank = 1 + int((others > score).sum())
                    if best is None or rank < best.rank:
                        best = Tail(name, rank, seen, total)
    return best
