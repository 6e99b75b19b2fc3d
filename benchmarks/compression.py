"""What each codec of `retrievo.store.codecs` keeps and costs, on vectors of real texts.

For each pair of an encoder and a BEIR collection, a line a codec: bytes a vector, recall@10 of the
exact top 10 by codes alone and with the best 20, 40, 100 and 200 rescored, nDCG@10 by codes alone
and with the codec's own rescoring, seconds to fit, microseconds to encode a vector, and
milliseconds of a query at this size and at 200,000 vectors (these vectors again and again, with
noise of 2 % of their length; such copies are for measuring time, so nothing else is said of them).
CPU time of one thread; a query is everything from its vector to ten rows with exact scores.

Usage: OMP_NUM_THREADS=1 python benchmarks/compression.py --cache DIR [--model DIRECTORY]
Vectors are encoded once and kept in the cache. Without --model only the static encoder is measured.
"""

import argparse
import platform
import statistics
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from collections_here import data_folder

from retrievo import Pipeline
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.metrics import ndcg
from retrievo.store.codecs import CODECS, codec
from retrievo.store.memory.exact import contenders, exact_scores, likeliest, longest, margins, scans

DEPTH = 10
POOLS = (10, 20, 40, 100, 200)
LARGE = 200_000
TIMED = 15


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--cache", type=Path, required=True)
    options.add_argument("--model", help="a sentence-transformers model besides the static one")
    options.add_argument("--codecs", nargs="*", default=list(CODECS))
    given = options.parse_args()
    print(f"Python {platform.python_version()}, numpy {np.__version__}", end="")
    print(f", wordllama {version('wordllama')}, retrievo {version('retrievo')}\n")
    for name in ("scifact", "debian_packages"):
        measure(name, "static", encoder("static"), given)
        if given.model and name == "scifact":
            model = encoder("sentence-transformers", model=given.model)
            measure(name, Path(given.model).name, model, given)


def encoder(use: str, **arguments: str) -> object:
    return Pipeline.part("encoder", use=use, **arguments)


def measure(name: str, way: str, encoder: object, given: argparse.Namespace) -> None:
    dataset = Dataset.read(data_folder() / name)
    ids, documents, queries = vectors_of(dataset, way, encoder, given.cache)
    large = copies(documents, LARGE)
    print(f"{name}, {way}: {len(documents)} vectors of {documents.shape[1]} numbers, ", end="")
    print(f"{len(queries)} queries")
    head = "".join(f"{f'r@10/{pool}':>9}" for pool in POOLS)
    print(f"{'':<14}{'bytes':>6}{head}{'nDCG':>7}{'+resc.':>7}{'of':>5}", end="")
    print(f"{'fit s':>7}{'us/vec':>8}{'ms':>7}{'ms 200k':>9}")
    exact = np.stack(list(scans(documents, queries)))
    best = [np.argsort(-scores, kind="stable")[:DEPTH] for scores in exact]
    quality = mean_ndcg(dataset, ids, best)
    here, there = (exact_ms(many, queries) for many in (documents, large))
    print(
        f"{'float32':<14}{4 * documents.shape[1]:>6}{'':>{9 * len(POOLS)}}{quality:>7.4f}", end=""
    )
    print(f"{'':>12}{'':>15}{here:>7.2f}{there:>9.2f}", flush=True)
    for one in given.codecs:
        line(one, dataset, ids, documents, queries, exact, best, large)
    print()


def line(one, dataset, ids, documents, queries, exact, best, large) -> None:
    started = time.process_time()
    made = codec(one).fit(documents)
    fitted = time.process_time() - started
    started = time.process_time()
    codes = made.encode(documents)
    encoded = (time.process_time() - started) / len(documents) * 1e6
    recalls = {pool: [] for pool in POOLS}
    coded, rescored = [], []
    for start in range(0, len(queries), 50):
        estimated = made.scores(queries[start : start + 50], codes)
        for i, scores in enumerate(estimated, start=start):
            order = np.argsort(-scores, kind="stable")
            for pool in POOLS:
                recalls[pool].append(np.isin(best[i], order[:pool]).mean())
            pool = order[: int(DEPTH * made.oversampling)]
            coded.append(order[:DEPTH])
            rescored.append(pool[np.argsort(-exact[i][pool], kind="stable")][:DEPTH])
    print(f"{one:<14}{made.bytes_a_vector:>6}", end="")
    print("".join(f"{np.mean(recalls[pool]):>9.3f}" for pool in POOLS), end="")
    print(
        f"{mean_ndcg(dataset, ids, coded):>7.4f}{mean_ndcg(dataset, ids, rescored):>7.4f}", end=""
    )
    print(f"{int(DEPTH * made.oversampling):>5}{fitted:>7.2f}{encoded:>8.1f}", end="")
    print(f"{coded_ms(made, documents, codes, queries):>7.2f}", end="")
    print(f"{coded_ms(made, large, made.encode(large), queries):>9.2f}", flush=True)


def mean_ndcg(dataset: Dataset, ids: list[str], ranked: list[np.ndarray]) -> float:
    judged = zip(dataset.queries, ranked, strict=True)
    return statistics.fmean(
        ndcg([ids[place] for place in places], query.grades, DEPTH) for query, places in judged
    )


def exact_ms(documents: np.ndarray, queries: np.ndarray) -> float:
    length = longest(documents)

    def search(query: np.ndarray) -> None:
        one = query[None]
        scores = next(scans(documents, one))
        places = contenders(scores, DEPTH, margins(length, one)[0], None)
        np.argsort(-exact_scores(documents, places, query))

    return milliseconds(search, queries)


def coded_ms(made, documents: np.ndarray, codes: np.ndarray, queries: np.ndarray) -> float:
    pool = int(DEPTH * made.oversampling)

    def search(query: np.ndarray) -> None:
        places = likeliest(made.scores(query[None], codes)[0], pool, None)
        np.argsort(-exact_scores(documents, places, query))

    return milliseconds(search, queries)


def milliseconds(search, queries: np.ndarray) -> float:
    """The least of some queries, after two that warm up: other work on a machine only adds."""
    taken = []
    for query in queries[: TIMED + 2]:
        started = time.process_time()
        search(query)
        taken.append((time.process_time() - started) * 1e3)
    return min(taken[2:])


def vectors_of(dataset, way: str, encoder, cache: Path):
    """Ids and vectors of the documents, and vectors of the judged queries."""
    cache.mkdir(parents=True, exist_ok=True)
    documents = list(dataset.documents())
    kept = cache / f"{dataset.name}-{way}.npz"
    if not kept.exists():
        texts = [f"{document.title}\n{document.text}".strip() for document in documents]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # texts over the model's limit are cut, for all alike
            docs = encoder.encode_document(texts)
            queries = encoder.encode_query([query.text for query in dataset.queries])
        np.savez(kept, documents=docs, queries=queries)
    found = np.load(kept)
    return [document.id for document in documents], found["documents"], found["queries"]


def copies(vectors: np.ndarray, n: int) -> np.ndarray:
    """n vectors: the given ones again and again, with noise."""
    random = np.random.default_rng(0)
    many = np.resize(vectors, (n, vectors.shape[1])).astype(np.float32)
    noise = random.standard_normal(many.shape, dtype=np.float32)
    noise *= 0.02 * np.linalg.norm(many, axis=1, keepdims=True) / np.sqrt(many.shape[1])
    return many + noise


if __name__ == "__main__":
    main()
