"""Indexing, hybrid search, reopening and re-indexing, as multiples of a plain script's CPU time.

The script does the same work with numpy and bm25s: it keeps texts, vectors and a BM25 index on
disk, answers with the mean of cosine and z-scored BM25, and gives back the ten best texts. Vectors
are given (by lookup, random projections of the texts' hashes), so that no encoder is measured. One
thread, CPU time, one run. Usage: python benchmarks/end_to_end.py [--passages 20000] [--queries 300]
"""

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import bm25s  # noqa: E402
import numpy as np  # noqa: E402
import Stemmer  # noqa: E402
from collections_here import data_folder, read_jsonl  # noqa: E402

from retrievo import Document, Pipeline  # noqa: E402

DIM = 384
TOP_K = 10


class LookupEncoder:
    """Vectors that were made before; stands for any encoder and costs nothing."""

    dim = DIM
    max_tokens = None
    fingerprint = "lookup"
    dense_weight = 0.5

    def __init__(self, vectors: dict[str, np.ndarray]) -> None:
        self._vectors = vectors

    def encode_document(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vectors[text] for text in texts])

    encode_query = encode_document


class Script:
    """What a careful user would write in an afternoon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stemmer = Stemmer.Stemmer("english")

    def index(self, docs: list[dict], vectors: np.ndarray) -> None:
        texts = [f"{doc['title']}\n{doc['text']}" for doc in docs]
        tokens = bm25s.tokenize(texts, stopwords="en", stemmer=self.stemmer, show_progress=False)
        self.bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
        self.bm25.index(tokens, show_progress=False)
        self.vectors, self.texts = vectors, texts
        self.bm25.save(str(self.folder / "bm25"))
        np.save(self.folder / "vectors.npy", vectors)
        (self.folder / "texts.json").write_text(json.dumps(texts))

    def reopen(self) -> None:
        self.bm25 = bm25s.BM25.load(str(self.folder / "bm25"))
        self.vectors = np.load(self.folder / "vectors.npy", mmap_mode="r")
        self.texts = json.loads((self.folder / "texts.json").read_text())

    def search(self, text: str, vector: np.ndarray) -> list[tuple[float, str]]:
        tokens = bm25s.tokenize(
            text, stopwords="en", stemmer=self.stemmer, return_ids=False, show_progress=False
        )[0]
        lexical = self.bm25.get_scores(tokens) if tokens else np.zeros(len(self.texts))
        spread = lexical.std() or 1.0
        scores = self.vectors @ vector + (lexical - lexical.mean()) / spread
        best = np.argpartition(-scores, TOP_K)[:TOP_K]
        best = best[np.argsort(-scores[best])]
        return [(float(scores[i]), self.texts[i]) for i in best]


def cpu(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def median_ms(work: Callable[[int], object], n: int) -> float:
    for i in range(min(n, 20)):
        work(i)
    return 1e3 * float(np.median([cpu_one(work, i) for i in range(n)]))


def cpu_one(work: Callable[[int], object], i: int) -> float:
    started = time.process_time()
    work(i)
    return time.process_time() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--passages", type=int, default=20_000)
    options.add_argument("--queries", type=int, default=300)
    given = options.parse_args()
    folder = data_folder() / "debian_packages"
    docs = read_jsonl(folder / "corpus.jsonl")[: given.passages]
    queries = [line["text"] for line in read_jsonl(folder / "queries.jsonl")][: given.queries]
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(docs), DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = vectors[rng.integers(0, len(docs), len(queries))]
    asked = asked + 0.05 * rng.normal(size=asked.shape).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)

    with tempfile.TemporaryDirectory() as work:
        script = Script(Path(work))
        base_index = cpu(lambda: script.index(docs, vectors))
        base_open = cpu(script.reopen)
        script.vectors = np.asarray(script.vectors)
        base_query = median_ms(lambda i: script.search(queries[i], asked[i]), len(queries))

        by_text: dict[str, np.ndarray] = dict(zip(queries, asked, strict=True))
        for doc, vector in zip(docs, vectors, strict=True):
            by_text[f"{doc['title']}\n{doc['text']}"] = vector
            by_text[doc["text"]] = vector
        encoder = LookupEncoder(by_text)

        def given_documents() -> list[Document]:
            return [
                Document(doc["_id"], doc["text"], doc.get("attributes", {}), doc["title"])
                for doc in docs
            ]

        # Whole passages: what is measured is the store and the pipeline, not the cutting.
        chunker = Pipeline.part("chunker", use="recursive", chunk_size=100_000, chunk_overlap=0)
        index = Path(work) / "index"
        pipeline = Pipeline.open(index, encoder=encoder, chunker=chunker)
        first = cpu(lambda: pipeline.index(given_documents()))
        again = cpu(lambda: pipeline.index(given_documents()))
        pipeline.close()
        reopened = []

        def reopen() -> None:
            found = Pipeline.open(index, encoder=encoder, chunker=chunker)
            found.store.count()
            reopened.append(found)

        opening = cpu(reopen)
        pipeline = reopened[0]
        query = median_ms(lambda i: pipeline.search(queries[i], top_k=TOP_K), len(queries))
        narrow = 'section == "games"'
        filtered = median_ms(
            lambda i: pipeline.search(queries[i], top_k=TOP_K, filters=narrow), len(queries)
        )
        size = sum(f.stat().st_blocks * 512 for f in index.rglob("*") if f.is_file())
        pipeline.close()

    print(f"{len(docs)} passages, {len(queries)} queries, {DIM} dimensions, one thread, CPU time")
    print(f"{'':<22}{'script':>12}{'retrievo':>12}{'ratio':>8}")
    for name, base, mine in (
        ("index, s", base_index, first),
        ("hybrid top 10, ms", base_query, query),
        ("reopen, s", base_open, opening),
    ):
        print(f"{name:<22}{base:>12.3f}{mine:>12.3f}{mine / base:>8.2f}")
    print(f"{'unchanged again, s':<22}{'':>12}{again:>12.3f}{again / first:>8.2f} of the first")
    print(f"{'filtered, ms':<22}{'':>12}{filtered:>12.3f}{filtered / query:>8.2f} of unfiltered")
    print(f"index on disk: {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
