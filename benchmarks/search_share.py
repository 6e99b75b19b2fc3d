"""What a hybrid search costs beside its engine: the share that is Retrievo's own.

63,000 passages on disk, made of the collections' texts with words exchanged where they repeat, and
given vectors of 384 numbers. CPU time of one thread: of the whole search, of the calls of the
vector engine inside it, of the encoder (a lookup), and of the rest, which is ours (SQLite and numpy
included). Median over the queries of scifact, one run.
Usage: python benchmarks/search_share.py [--passages 63000] [--queries 200] [--keep FOLDER]
"""

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from collections_here import data_folder, read_jsonl  # noqa: E402

from retrievo import Document, Pipeline  # noqa: E402
from retrievo.store.local.engine import Engine  # noqa: E402
from retrievo.types import Chunk  # noqa: E402

NAMES = ("scifact", "docs_qa", "code_chunks_qa")
DIM = 384
CHARACTERS = 900


class Drawn:
    """A unit vector for each text, drawn from a generator that the text seeds."""

    dim, max_tokens, fingerprint, dense_weight = DIM, None, "drawn-1", 0.5

    def encode_document(self, texts: Sequence[str]) -> np.ndarray:
        drawn = [
            np.random.default_rng(list(text.encode()[:64])).standard_normal(DIM) for text in texts
        ]
        vectors = np.array(drawn, np.float32).reshape(-1, DIM)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode_query = encode_document


class Whole:
    def chunk(self, document: Document) -> list[Chunk]:
        text = document.text
        return [Chunk(document.id, text, 0, len(text), len(text) // 4)]


def passages() -> Iterator[str]:
    """Texts without end; from the second time on a third of the words is exchanged."""
    texts = [
        record["text"][:CHARACTERS]
        for name in NAMES
        for record in read_jsonl(data_folder() / name / "corpus.jsonl")
    ]
    yield from texts
    draw = random.Random(0)
    while True:
        for text in texts:
            words = text.split(" ")
            yield " ".join(draw.choice(words) if draw.random() < 1 / 3 else w for w in words)


class Clock:
    """CPU seconds inside of some calls."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def around(self, owner: Any, name: str) -> None:
        call: Callable[..., Any] = getattr(owner, name)

        def timed(*given: Any, **named: Any) -> Any:
            started = time.thread_time()
            try:
                return call(*given, **named)
            finally:
                self.seconds += time.thread_time() - started
                self.calls += 1

        setattr(owner, name, timed)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--passages", type=int, default=63_000)
    options.add_argument("--queries", type=int, default=200)
    options.add_argument("--keep", type=Path, help="a folder to keep the index in")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = (given.keep or Path(folder)) / "index"
        parts: dict[str, Any] = {"encoder": Drawn(), "chunker": Whole()}
        pipeline = Pipeline.open(path, **parts)
        if not path.exists():
            some = zip(range(given.passages), passages(), strict=False)
            pipeline.index(Document(str(i), text) for i, text in some)
        queries = [
            record["text"] for record in read_jsonl(data_folder() / "scifact/queries.jsonl")
        ][: given.queries]
        measure(pipeline, queries)
        pipeline.close()


def measure(pipeline: Pipeline, queries: Sequence[str]) -> None:
    engine, encoder = Clock(), Clock()
    engine.around(Engine, "search")
    encoder.around(Drawn, "encode_query")
    for query in queries[:30]:
        pipeline.search(query)
    whole, inside, ours, calls = [], [], [], 0
    for query in queries:
        engine.seconds = encoder.seconds = engine.calls = 0
        started = time.thread_time()
        pipeline.search(query)
        spent = time.thread_time() - started
        whole.append(spent)
        inside.append(engine.seconds)
        ours.append(spent - engine.seconds - encoder.seconds)
        calls += engine.calls
    print(f"{pipeline.store.count():,} passages, {len(queries)} queries, median CPU ms")
    for name, times in (("whole search", whole), ("engine", inside), ("Retrievo's own", ours)):
        print(f"{name:16}{1000 * float(np.median(times)):8.2f}")
    print(f"engine calls a query: {calls / len(queries):.1f}")


if __name__ == "__main__":
    main()
