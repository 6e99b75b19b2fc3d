"""The `local` store at size: search with and without filters, build, memory, disk, write path.

The vectors are those of scifact's 5,183 passages, of the sentence-transformers model in --model
DIRECTORY or else of the static encoder, encoded once and kept in --cache DIR (a folder of the
temporary one unless given); more rows are made of those: v + .5 (a - b) of three of them, drawn at
random, made unit length, so that neighbours differ as real passages do (all-MiniLM-L6-v2, median
cosine to the nearest at 200,000: .84). Queries are scifact's. One thread for numpy, CPU time;
recall@10 against the exact scan. Memory is read from /proc, on Linux only.

Wanted are the collections scifact (for all) and debian_packages (for the write path), in the folder
$RETRIEVO_DATA. --only search, or write, does one of the two parts.

Usage: python benchmarks/stores.py [--model DIRECTORY] [--cache DIR] [--only search|write]
[--rows 200000] [--queries 200] [--passages 63436] [--compression int8]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from collections_here import data_folder, read_jsonl  # noqa: E402

from retrievo import Chunk, Document, F, Pipeline  # noqa: E402
from retrievo.contracts import Batch, Space  # noqa: E402
from retrievo.passport import Passport  # noqa: E402
from retrievo.store.local.engine import Engine  # noqa: E402
from retrievo.store.local.store import LocalStore  # noqa: E402

SHARES = (0.5, 0.05, 0.005)
AT_ONCE = 2048


def encoded(cache: Path, model: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of scifact's passages and of its queries."""
    # The whole path: two models may lie in folders of one name.
    way = "static" if model is None else str(Path(model).resolve()).strip("/").replace("/", "-")
    kept = cache / f"stores-scifact-{way}.npz"
    if not kept.exists():
        folder = data_folder() / "scifact"
        docs = [f"{d['title']}\n{d['text']}" for d in read_jsonl(folder / "corpus.jsonl")]
        asked = [q["text"] for q in read_jsonl(folder / "queries.jsonl")]
        if model is None:
            encoder = Pipeline.part("encoder", use="static")
        else:
            encoder = Pipeline.part("encoder", use="sentence-transformers", model=model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # texts over the model's limit are cut, for all alike
            made = encoder.encode_document(docs), encoder.encode_query(asked)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, passages=made[0], queries=made[1])
    found = np.load(kept)
    return found["passages"], found["queries"]


def grown(vectors: np.ndarray, n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    out = np.empty((n, vectors.shape[1]), np.float32)
    out[: len(vectors)] = vectors[:n]
    for start in range(len(vectors), n, 10_000):
        stop = min(start + 10_000, n)
        one, other = rng.integers(0, len(vectors), (2, stop - start))
        made = vectors[np.arange(start, stop) % len(vectors)]
        made = made + 0.5 * (vectors[one] - vectors[other])
        out[start:stop] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return out


def cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def each_ms(work: Callable[[int], object], n: int) -> str:
    for i in range(min(5, n)):
        work(i)
    times = [1e3 * cpu(lambda i=i: work(i)) for i in range(n)]
    return f"{np.median(times):>9.2f}{np.percentile(times, 95):>9.2f}"


def scan(vectors: np.ndarray, query: np.ndarray, depth: int) -> np.ndarray:
    scores = vectors @ query
    best = np.argpartition(-scores, min(depth, len(scores) - 1))[:depth]
    return best[np.argsort(-scores[best])]


def passport(dim: int) -> Passport:
    return Passport({"name": "given", "dim": dim}, {}, "", {"dense": Space("dense", dim)})


def write(store: LocalStore, vectors: np.ndarray, documents: list[Document]) -> None:
    for start in range(0, len(vectors), AT_ONCE):
        part = documents[start : start + AT_ONCE]
        items = [
            (doc, [Chunk(doc.id, doc.text, 0, len(doc.text), metadata=doc.metadata)])
            for doc in part
        ]
        values = {"dense": vectors[start : start + AT_ONCE]}
        store.write(Batch(items, ["f"] * len(part), values, np.full(len(part), -1)))


def numbered(near: np.ndarray) -> list[Document]:
    """A short text each, a random number, and the place in the order of nearness."""
    drawn = np.random.default_rng(1).permutation(len(near)).tolist()
    places = near.tolist()
    return [
        Document(f"d{i}", f"passage {i}", {"drawn": drawn[i], "near": places[i]})
        for i in range(len(near))
    ]


def of_child(code: str, *arguments: object) -> dict:
    """What the code prints as JSON, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, check=True
    )
    return json.loads(done.stdout)


MEMORY = """
import json, sys, time
import numpy as np
from retrievo.store.local.store import LocalStore
def anonymous():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))
queries = np.load(sys.argv[2])
before, started = anonymous(), time.process_time()
store = LocalStore(sys.argv[1])
store.open(None)
opened = time.process_time() - started
for query in queries:
    store.search("dense", query[None], 100)
print(json.dumps({"kb": anonymous() - before, "open_s": opened}))
store.close()
"""


def search_table(folder: Path, given: argparse.Namespace) -> None:
    passages, queries = encoded(given.cache, given.model)
    vectors = grown(passages, given.rows)
    print(f"{len(vectors)} rows x {vectors.shape[1]}, {given.queries} queries, ", end="")
    print(f"compression {given.compression}")
    centre = queries[np.argsort(-(queries @ queries[0]))[: given.queries // 4]]
    near = np.argsort(np.argsort(-(vectors @ centre.mean(axis=0))))
    queries = queries[: given.queries]
    n = len(vectors)
    store = LocalStore(folder / "index", compression=given.compression)
    store.open(passport(vectors.shape[1]), {})
    written = cpu(lambda: write(store, vectors, numbered(near)))
    settled = cpu(store.settle)
    told = store.stats()
    print(f"write {written:.1f} CPU s, settle {settled:.1f} CPU s; {told.representations['dense']}")
    print(f"disk: {told.bytes_on_disk / n:.0f} bytes a row, of {4 * vectors.shape[1]} of floats")
    print(f"\n{'':<34}{'median':>9}{'p95':>9}{'recall@10':>11}{'least':>7}   (CPU ms a query)")
    print(f"{'numpy exact, 10':<34}{each_ms(lambda i: scan(vectors, queries[i], 10), 20)}")
    for depth in (10, 100):
        label = f"local, depth {depth}"
        row(label, store, queries, depth, None, [scan(vectors, q, 10) for q in queries])
    overhead(store, queries)
    for share in SHARES:
        few = int(n * share)
        for kind, key, least in (
            ("random", "drawn", 0), ("correlated", "near", 0), ("anti-correlated", "near", n - few)
        ):  # fmt: skip
            asked = queries[:100] if kind == "random" else centre
            filters = (F(key) >= least) & (F(key) < least + few)
            order = np.random.default_rng(1).permutation(n) if key == "drawn" else near
            rows = np.flatnonzero((order >= least) & (order < least + few))
            exact = [rows[scan(vectors[rows], query, 10)] for query in asked]
            row(f"{share:.1%} {kind}, depth 10", store, asked, 10, filters, exact)
    store.close()
    if not Path("/proc/self/smaps_rollup").exists():
        print("\nmemory is not measured: /proc/self/smaps_rollup is there on Linux only")
        return
    np.save(folder / "queries.npy", queries)
    child = of_child(MEMORY, folder / "index", folder / "queries.npy")
    print(f"\nanonymous memory, opened and searched: {child['kb'] / 1024:.1f} MB, ", end="")
    print(f"{1024 * child['kb'] / n:.0f} bytes a row; opening {child['open_s']:.3f} CPU s")


def row(label: str, store: LocalStore, queries: np.ndarray, depth: int, filters: object,
        exact: list[np.ndarray]) -> None:  # fmt: skip
    found = [store.search("dense", query[None], depth, filters)[0] for query in queries]
    wanted = [min(10, len(one)) for one in exact]
    shares = [
        len(set(one.rows[:10].tolist()) & set(right.tolist())) / k
        for one, right, k in zip(found, exact, wanted, strict=True)
    ]
    least = min(len(one) for one in found)
    times = each_ms(lambda i: store.search("dense", queries[i][None], depth, filters), len(queries))
    print(f"{label:<34}{times}{np.mean(shares):>11.4f}{least:>7}")


def overhead(store: LocalStore, queries: np.ndarray) -> None:
    """Retrievo's own Python around the engine's call."""
    shard, spent = store._index.engine._shard, [0.0]

    class Timed:
        def query(self, request: object) -> object:
            started = time.process_time()
            found = shard.query(request)
            spent[0] += time.process_time() - started
            return found

        def __getattr__(self, name: str) -> object:
            return getattr(shard, name)

    store._index.engine._shard = Timed()
    for depth in (10, 100):
        own = []
        for query in queries:
            spent[0] = 0.0
            whole = cpu(lambda query=query, depth=depth: store.search("dense", query[None], depth))
            own.append(1e3 * (whole - spent[0]))
        print(f"{f'  of it outside the engine, {depth}':<34}{np.median(own):>9.3f}")
    store._index.engine._shard = shard


def write_path(folder: Path, given: argparse.Namespace) -> None:
    docs = read_jsonl(data_folder() / "debian_packages" / "corpus.jsonl")[: given.passages]
    vectors = grown(encoded(given.cache, given.model)[0], len(docs))
    made = [Document(d["_id"], d["text"], d.get("attributes", {}), d["title"]) for d in docs]
    engine = Engine(folder / "engine", {"dense": Space("dense", vectors.shape[1])}, create=True)

    def alone() -> None:
        for start in range(0, len(vectors), AT_ONCE):
            part = vectors[start : start + AT_ONCE]
            engine.upsert(np.arange(start, start + len(part)), {"dense": part})
            engine.flush()
        engine.settle()

    base = cpu(alone)
    engine.close()
    store = LocalStore(folder / "written")
    store.open(passport(vectors.shape[1]), {})
    mine = cpu(lambda: (write(store, vectors, made), store.settle()))
    store.close()
    print(f"\nwrite path: {len(docs)} passages with text: engine alone {base:.2f} CPU s, ", end="")
    print(f"store {mine:.2f} ({len(docs) / mine:.0f} passages/s, {mine / base:.2f} times)")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", metavar="DIRECTORY", help="default: the static encoder")
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--queries", type=int, default=200)
    options.add_argument("--passages", type=int, default=63_436)
    options.add_argument("--compression", default="int8")
    options.add_argument("--only", choices=["search", "write"])
    kept = Path(tempfile.gettempdir()) / "retrievo-benchmarks"
    options.add_argument("--cache", type=Path, default=kept)
    given = options.parse_args()
    parts = ("numpy", "qdrant-edge-py", "retrievo")
    print(platform.machine(), *(f"{part} {version(part)}" for part in parts))
    print(f"vectors of {given.model or 'the static encoder'}")
    with tempfile.TemporaryDirectory() as folder:
        if given.only != "write":
            search_table(Path(folder), given)
        if given.only != "search":
            write_path(Path(folder), given)


if __name__ == "__main__":
    main()
