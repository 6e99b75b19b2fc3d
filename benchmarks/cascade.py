"""Search in two steps beside one: what the retriever `cascade` keeps, and what it costs.

Quality: nDCG@10 of the best by the short vector alone and of the best --depth scored again with the
full one, as shares of the full vectors' own, all by exact arithmetic; the short vector is a prefix
of the full one, as it is and after a PCA of the documents' vectors. Cost: CPU milliseconds of a
query (p50 of --queries), without its encoding, beside what the store does alone: `local` its int8
codes with rescoring, `memory` what --compression says. Rows are grown from scifact's as
benchmarks/stores.py does. One thread.

Usage: python benchmarks/cascade.py [--model DIRECTORY] [--cache DIR] [--depth 200] [--short 64]
[--store local|memory] [--compression none] [--rows 5000 95000] [--collections scifact]
"""

import argparse
import os
import platform
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from collections_here import data_folder  # noqa: E402
from stores import AT_ONCE, cpu, each_ms, encoded, grown, scan  # noqa: E402

from retrievo import Chunk, Document, Pipeline  # noqa: E402
from retrievo.contracts import Batch  # noqa: E402
from retrievo.evaluate.datasets import Dataset  # noqa: E402
from retrievo.evaluate.metrics import ndcg  # noqa: E402
from retrievo.passport import Passport  # noqa: E402
from retrievo.retrieve.cascade import CascadeRetriever  # noqa: E402
from retrievo.store.local.store import LocalStore  # noqa: E402
from retrievo.store.memory.store import MemoryStore  # noqa: E402
from retrievo.types import Candidates, Query  # noqa: E402

SHORT = (32, 64, 128)


class Given:
    """Stands for the encoder whose vectors are there already."""

    max_tokens = None
    fingerprint = "given"

    def __init__(self, dim: int) -> None:
        self.dim = dim


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)


def vectors_of(dataset: Dataset, name: str, given: argparse.Namespace) -> tuple[np.ndarray, ...]:
    """Of the documents and of the judged queries, kept in the cache."""
    way = "static" if given.model is None else Path(given.model).resolve().as_posix()[1:]
    kept = given.cache / f"cascade-{name}-{way.replace('/', '-')}.npz"
    if not kept.exists():
        use = "static" if given.model is None else "sentence-transformers"
        made_with = {} if given.model is None else {"model": given.model}
        encoder = Pipeline.part("encoder", use, **made_with)
        texts = [f"{one.title}\n{one.text}".strip() for one in dataset.documents()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # texts over the model's limit are cut, for all alike
            documents = encoder.encode_document(texts)
            queries = encoder.encode_query([query.text for query in dataset.queries])
        given.cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, documents=documents, queries=queries)
    found = np.load(kept)
    return found["documents"], found["queries"]


def quality(name: str, given: argparse.Namespace) -> None:
    dataset = Dataset.read(data_folder() / name)
    documents, queries = vectors_of(dataset, name, given)
    ids = [document.id for document in dataset.documents()]
    exact = [scan(documents, query, 100) for query in queries]

    def measured(ranked: list[np.ndarray]) -> float:
        judged = zip(dataset.queries, ranked, strict=True)
        return float(np.mean([ndcg([ids[i] for i in r[:10]], q.grades, 10) for q, r in judged]))

    def line(label: str, ranked: list[np.ndarray]) -> None:
        pairs = list(zip(exact, ranked, strict=True))
        shares = [
            np.mean([len(set(e[:k].tolist()) & set(r[:k].tolist())) / k for e, r in pairs])
            for k in (10, 100)
        ]
        of = 100 * measured(ranked) / base
        print(f"{label:<26}{of:>8.1f} %{shares[0]:>11.3f}{shares[1]:>12.3f}", flush=True)

    base = measured(exact)
    print(f"\n{name}: {len(documents)} documents, {len(queries)} queries, full {base:.4f}")
    print(f"{'':<26}{'nDCG@10':>10}{'recall@10':>11}{'recall@100':>12}   (of the full search's)")
    rotation = np.linalg.eigh(documents.T @ documents)[1][:, ::-1]
    for how, (docs, asked) in {
        "prefix": (documents, queries),
        "after PCA": (documents @ rotation, queries @ rotation),
    }.items():
        for dim in SHORT:
            if dim >= documents.shape[1]:
                continue
            short, wanted = unit(docs[:, :dim]), unit(asked[:, :dim])
            near = [scan(short, query, given.depth) for query in wanted]
            line(f"{how} {dim}, alone", near)
            again = [
                rows[np.argsort(-(documents[rows] @ query))]
                for rows, query in zip(near, queries, strict=True)
            ]
            line(f"{how} {dim}, best {given.depth}", again)


def cost(rows: int, given: argparse.Namespace) -> None:
    passages, queries = encoded(given.cache, given.model)
    vectors, queries = grown(passages, rows), queries[: given.queries]
    if given.pca:
        rotation = np.linalg.eigh(passages.T @ passages)[1][:, ::-1]
        vectors, queries = vectors @ rotation, queries @ rotation
    exact = [scan(vectors, query, 10) for query in queries]
    print(f"\n{rows} rows x {vectors.shape[1]} of {given.model or 'the static encoder'}")
    print(f"{'':<34}{'median':>9}{'p95':>9}{'recall@10':>11}   (CPU ms a query)")
    for short in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            one_index(Path(folder), vectors, queries, exact, short, given)


def one_index(
    folder: Path,
    vectors: np.ndarray,
    queries: np.ndarray,
    exact: list[np.ndarray],
    short: bool,
    given: argparse.Namespace,
) -> None:
    store = (
        LocalStore(folder / "index")
        if given.store == "local"
        else MemoryStore(compression=given.compression)
    )
    cascade = CascadeRetriever(Given(vectors.shape[1]), store, short_dim=given.short)
    spaces = dict(cascade.representations)
    if not short:
        del spaces["dense-short"]
    store.open(Passport({"name": "given"}, {}, "", spaces), {})
    spent = cpu(lambda: written(store, vectors, given.short if short else None))
    told = store.stats()
    print(f"{'cascade' if short else 'dense'}: made in {spent:.0f} CPU s, ", end="")
    size = told.bytes_on_disk or told.bytes_in_memory
    print(f"{size / len(vectors):.0f} bytes a row; {told.representations['dense']}")

    def search(i: int, depth: int) -> Candidates:
        if not short:
            return store.search("dense", queries[i][None], depth)[0]
        return cascade.search([Query("", vectors={"dense": queries[i]})], depth)[0]

    for depth in (10, 100, given.depth, *([4 * given.depth] if short else [])):
        found = [search(i, depth) for i in range(len(queries))]
        shares = [
            len(set(one.rows[:10].tolist()) & set(right.tolist())) / 10
            for one, right in zip(found, exact, strict=True)
        ]
        times = each_ms(lambda i, depth=depth: search(i, depth), len(queries))
        label = f"{f'cascade {given.short}' if short else 'dense'}, depth {depth}"
        print(f"{label:<34}{times}{np.mean(shares):>11.4f}", flush=True)
    store.close()


def written(store: LocalStore, vectors: np.ndarray, short_dim: int | None) -> None:
    for start in range(0, len(vectors), AT_ONCE):
        part = vectors[start : start + AT_ONCE]
        names = [f"d{i}" for i in range(start, start + len(part))]
        items = [(Document(name, name), [Chunk(name, name, 0, len(name))]) for name in names]
        values = {"dense": part}
        if short_dim is not None:
            values["dense-short"] = unit(part[:, :short_dim])
        store.write(Batch(items, ["f"] * len(part), values, np.full(len(part), -1)))
    store.settle()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", metavar="DIRECTORY", help="default: the static encoder")
    options.add_argument("--store", choices=["local", "memory"], default="local")
    options.add_argument("--compression", default="none", help="of the memory store")
    options.add_argument("--pca", action="store_true", help="rotate the vectors of the cost part")
    options.add_argument("--depth", type=int, default=200)
    options.add_argument("--short", type=int, default=64)
    options.add_argument("--rows", type=int, nargs="*", default=[5_000, 95_000])
    options.add_argument("--queries", type=int, default=100)
    options.add_argument("--collections", nargs="*", default=["scifact", "debian_packages"])
    kept = Path(tempfile.gettempdir()) / "retrievo-benchmarks"
    options.add_argument("--cache", type=Path, default=kept)
    given = options.parse_args()
    parts = ("numpy", "qdrant-edge-py", "retrievo")
    print(platform.machine(), sys.version.split()[0], *(f"{one} {version(one)}" for one in parts))
    for name in given.collections:
        quality(name, given)
    for rows in given.rows:
        cost(rows, given)


if __name__ == "__main__":
    main()
