"""The texts of an index that both encoders of a migration encode, and what their scores say."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from retrievo.contracts import Encoder, Store
from retrievo.encode.asymmetric import sentence_of, some_rows
from retrievo.encode.space_map import SpaceMap
from retrievo.errors import ConfigError
from retrievo.ingest.report import Progress
from retrievo.truncation import recording
from retrievo.tune.migrate.paired import Pairs
from retrievo.types import Rows, Vectors

SENTENCES = 0.2
"""The share of a budget of texts that are sentences: documents teach a map more, and sentences
are what it is judged by."""

CHEAP = 0.2
"""Of the new encoder's time for a query: an old one below it may be asked beside it."""

AT_ONCE = 256
LEAST = 100
NEAREST = 50


class Sampled(NamedTuple):
    """Texts of an index encoded by both encoders; whether the old one is cheap beside the new."""

    pairs: Pairs
    old_is_cheap: bool


def sample_pairs(
    store: Store,
    representation: str,
    old: Encoder,
    new: Encoder,
    *,
    most: int,
    progress: Callable[[Progress], None] | None = None,
) -> Sampled:
    """At most `most` texts, four of five of them whole chunks, evenly over the index.

    The old vectors of chunks are the stored ones; sentences are encoded as queries by both. Costs
    the new encoder `most` texts and the old one a fifth of them.
    """
    if most < LEAST:
        raise ConfigError(f"sample is {most}; at least {LEAST} texts are wanted to fit a map on")
    with store.reading():
        rows = some_rows(store, round(most * (1 - SENTENCES)))
        texts = [chunk.indexed_text for part in _parts(rows) for chunk in store.get(part)]
        stored = [store.vectors(representation, part) for part in _parts(rows)]
        chunks = [chunk.text for part in _parts(rows) for chunk in store.get(part)]
    places = np.linspace(0, len(rows) - 1, min(len(rows), round(most * SENTENCES)))
    owners = np.unique(places.astype(np.int64))
    sentences = [sentence_of(chunks[owner], place) for place, owner in enumerate(owners.tolist())]
    said = [place for place, text in enumerate(sentences) if text]
    sentences, owners = [sentences[place] for place in said], owners[said]
    if not sentences:
        raise ConfigError(
            "the index has no text to fit a map on; answers = 'old' (--answers old) needs none"
        )
    total = len(texts) + 2 * len(sentences)
    tell = _counting(progress, total)
    with recording():  # what the new encoder does not read of a chunk is told when it moves
        new_documents = _encoded(new.encode_document, texts, tell)
        old_queries, old_s = _timed(old.encode_query, sentences, tell)
        new_queries, new_s = _timed(new.encode_query, sentences, tell)
    dense = [part for part in stored if isinstance(part, np.ndarray)]
    pairs = Pairs(np.concatenate(dense), new_documents, old_queries, new_queries, owners)
    return Sampled(pairs, old_s <= CHEAP * new_s)


def scale_of(pairs: Pairs, space_map: SpaceMap) -> dict[str, float]:
    """The line from scores in the old space to those in the new: `slope` and `offset`.

    Least squares over each sentence's 50 nearest documents in the old space, among them those that
    compete with what has moved. It falls as documents are mapped worse: what is uncertain does not
    crowd out what is known.
    """
    images = space_map.apply(pairs.new_queries)
    if space_map.old is not None:
        images = space_map.join(images, pairs.old_queries)
    before = images @ pairs.old_documents.T
    after = pairs.new_queries @ pairs.new_documents.T
    k = min(NEAREST, before.shape[1])
    nearest = np.argpartition(-before, k - 1, axis=1)[:, :k]
    x = np.take_along_axis(before, nearest, axis=1).ravel().astype(np.float64)
    y = np.take_along_axis(after, nearest, axis=1).ravel().astype(np.float64)
    spread = float(np.var(x))
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread if spread > 0 else 1.0
    # A map that orders documents the wrong way round is refused before; a flat one would tie all.
    slope = max(slope, 0.05)
    return {"slope": slope, "offset": float(y.mean() - slope * x.mean())}


def _parts(rows: Rows) -> list[Rows]:
    return [rows[at : at + 1024] for at in range(0, len(rows), 1024)]


def _encoded(
    encode: Callable[[Sequence[str]], Vectors], texts: Sequence[str], tell: Callable[[int], None]
) -> Vectors:
    made = []
    for at in range(0, len(texts), AT_ONCE):
        made.append(np.asarray(encode(texts[at : at + AT_ONCE]), np.float32))
        tell(len(made[-1]))
    return np.concatenate(made)


def _timed(
    encode: Callable[[Sequence[str]], Vectors], texts: Sequence[str], tell: Callable[[int], None]
) -> tuple[Vectors, float]:
    encode(texts[:1])  # what is made on first use is no part of the time
    started = time.process_time()
    made = _encoded(encode, texts, tell)
    return made, time.process_time() - started


def _counting(progress: Callable[[Progress], None] | None, total: int) -> Callable[[int], None]:
    done = [0]

    def tell(count: int) -> None:
        done[0] += count
        if progress is not None:
            progress(Progress(done[0], total, 0, "sample"))

    return tell
