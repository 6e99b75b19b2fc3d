"""Filtered search in the package collection: what comes back, how exact it is, what it costs.

63,436 passages with the static encoder's 256-d vectors, or with those of `--vectors FOLDER`
(documents.npy and queries.npy, aligned with corpus.jsonl and queries.jsonl), in a `local` index.
Every query has a filter on the section. Recall is against the exact answer, under filters that let
through 50 %, 5 % and .5 %: at random (by a hash of the id), the nearest to the query, the farthest
from it; these come from metadata that hold each passage's rank for each of 16 queries. One thread,
CPU time, one run. Usage: python benchmarks/filters.py [--passages N] [--vectors FOLDER]
"""

import argparse
import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import fmean, median

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from collections_here import data_folder  # noqa: E402

from retrievo import Document, F, Hits, Pipeline  # noqa: E402
from retrievo.evaluate.datasets import Dataset  # noqa: E402
from retrievo.evaluate.metrics import ndcg  # noqa: E402
from retrievo.filters import Filter, as_filter, matches  # noqa: E402
from retrievo.retrieve.bm25 import Bm25Retriever  # noqa: E402
from retrievo.retrieve.dense import DenseRetriever  # noqa: E402
from retrievo.search import Searcher  # noqa: E402
from retrievo.store.local import engine_config  # noqa: E402

TOP_K = 10
ANCHORS = 16
PARTS = 1_000
Search = Callable[[str, Filter | None], Hits]
SHARES = {"50 %": 500, "5 %": 50, ".5 %": 5}


class LookupEncoder:
    """Vectors that were made before; stands for any encoder and costs nothing."""

    max_tokens = None
    fingerprint = "lookup"
    dense_weight = 0.4

    def __init__(self, vectors: Mapping[str, np.ndarray], dim: int) -> None:
        self.dim = dim
        self._vectors = vectors

    def encode_document(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([self._vectors[text] for text in texts], np.float32).reshape(-1, self.dim)

    encode_query = encode_document


class Collection:
    """Documents with their vectors, each with the parts of the collection that it belongs to."""

    def __init__(self, dataset: Dataset, passages: int, folder: Path | None) -> None:
        # Whole passages: what is measured is the store, not the cutting.
        self.chunker = Pipeline.part("chunker", "recursive", chunk_size=100_000, chunk_overlap=0)
        documents = list(islice(dataset.documents(), passages))
        self.queries = list(dataset.queries)
        texts = [self.chunker.chunk(document)[0].indexed_text for document in documents]
        asked = [query.text for query in self.queries]
        if folder is None:
            encoder = Pipeline.part("encoder", "static")
            self.vectors, self.asked = encoder.encode_document(texts), encoder.encode_query(asked)
        else:
            self.vectors = np.load(folder / "documents.npy")[: len(documents)]
            self.asked = np.load(folder / "queries.npy")
        known = {
            **dict(zip(texts, self.vectors, strict=True)),
            **dict(zip(asked, self.asked, strict=True)),
        }
        self.encoder = LookupEncoder(known, self.vectors.shape[1])
        # Of two passages with one text the exact answer must hold the vector that is stored.
        self.vectors = self.encoder.encode_document(texts)
        self.anchors = list(range(0, len(asked), -(-len(asked) // ANCHORS)))
        near = {f"q{i}": self._parts_by_rank(i) for i in self.anchors}
        self.documents = [
            Document(
                document.id,
                document.text,
                {
                    **document.metadata,
                    "random": _random_part(document.id),
                    "near": {name: int(parts[place]) for name, parts in near.items()},
                },
                document.title,
            )
            for place, document in enumerate(documents)
        ]

    def _parts_by_rank(self, query: int) -> np.ndarray:
        """Of each passage in which thousandth it comes for the query, 0 for the nearest."""
        order = np.argsort(-(self.vectors @ self.asked[query]), kind="stable")
        parts = np.empty(len(order), np.int64)
        parts[order] = np.arange(len(order)) * PARTS // len(order)
        return parts

    def filters(self) -> Iterator[tuple[str, str, int, Filter]]:
        """Kind, share, query and filter; the filters as a user would write them."""
        for share, parts in SHARES.items():
            for i in range(0, len(self.queries), 5):
                yield "random", share, i, as_filter(f"random < {parts}")
            for i in self.anchors:
                yield "nearest", share, i, as_filter(f"near.q{i} < {parts}")
                yield "farthest", share, i, as_filter(f"near.q{i} >= {PARTS - parts}")

    def matching(self, filters: Filter) -> np.ndarray:
        """Places that match, by the language's own evaluator."""
        return np.array(
            [i for i, d in enumerate(self.documents) if matches(filters, d.metadata, d.id)]
        )


def _random_part(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) % PARTS


def cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return 1e3 * (time.process_time() - started)


def show_recall(collection: Collection, pipeline: Pipeline) -> None:
    search = branches(collection, pipeline)["dense"]
    places = {document.id: i for i, document in enumerate(collection.documents)}
    found: dict[tuple[str, str], list[float]] = {}
    known: dict[str, np.ndarray] = {}
    for kind, share, i, filters in collection.filters():
        among = known.get(str(filters))
        if among is None:
            among = known[str(filters)] = collection.matching(filters)
        exact = collection.vectors[among] @ collection.asked[i]
        best = np.sort(exact)[::-1][:TOP_K]
        hits = search(collection.queries[i].text, filters)
        mine = [places[hit.doc_id] for hit in hits]
        assert set(mine) <= set(among.tolist()), f"{filters}: a passage that does not match"
        assert len(mine) == len(best), f"{filters}: {len(mine)} results of {len(among)} matches"
        # Passages of equal score are as good as one another.
        good = (collection.vectors[mine] @ collection.asked[i] >= best[-1] - 1e-6).sum()
        found.setdefault((kind, share), []).append(good / len(best))
    print(f"\ndense recall@{TOP_K}" + "".join(f"{share:>10}" for share in SHARES))
    for kind in ("random", "nearest", "farthest"):
        cells = "".join(f"{fmean(found[kind, share]):>10.3f}" for share in SHARES)
        print(f"  {kind:<12}  {cells}   worst {min(min(found[kind, s]) for s in SHARES):.1f}")


def branches(collection: Collection, pipeline: Pipeline) -> dict[str, Search]:
    """Dense alone, BM25 alone, and both as the pipeline has them, over one index."""
    alone = {
        "dense": DenseRetriever(collection.encoder, pipeline.store),
        "bm25": Bm25Retriever(pipeline.store),
    }

    def search(name: str, text: str, filters: Filter | None) -> Hits:
        if name == "hybrid":
            return pipeline.search(text, top_k=TOP_K, filters=filters)
        searcher = Searcher(pipeline.store, {name: alone[name]}, None, None, None)
        return searcher.search([text], TOP_K, filters)[0]

    return {name: partial(search, name) for name in (*alone, "hybrid")}


def show_sections(collection: Collection, pipeline: Pipeline, n: int) -> None:
    queries = collection.queries[:n]
    sections = [str((query.filter or {})["section"]) for query in queries]
    sizes = {name: pipeline.store.count(F("section") == name) for name in set(sections)}
    print(f"\n{len(queries)} queries, each with its section" + " " * 4 + "nDCG@10    results")
    print(f"{'':<34}{'without':>9}{'with':>8}{'filtered ms':>13}{'plain ms':>10}{'ratio':>7}")
    for name, search in branches(collection, pipeline).items():
        times: dict[bool, list[float]] = {True: [], False: []}
        gains: dict[bool, list[float]] = {True: [], False: []}
        for query, section in zip(queries, sections, strict=True):
            for filtered in (False, True):
                wanted = F("section") == section if filtered else None
                started = time.process_time()
                hits = search(query.text, wanted)
                times[filtered].append(1e3 * (time.process_time() - started))
                ranked = [hit.doc_id for hit in hits]
                gains[filtered].append(ndcg(ranked, query.grades, TOP_K))
                if filtered:
                    check_section(name, section, hits, sizes[section])
        plain, narrow = median(times[False]), median(times[True])
        print(
            f"  {name:<32}{fmean(gains[False]):>9.3f}{fmean(gains[True]):>8.3f}"
            f"{narrow:>13.2f}{plain:>10.2f}{narrow / plain:>7.2f}"
        )


def check_section(branch: str, section: str, hits: Hits, matches: int) -> None:
    others = [hit.doc_id for hit in hits if hit.metadata["section"] != section]
    assert not others, f"{branch}: {others} are not in {section}"
    most = min(TOP_K, matches)
    found = len(hits) <= most if branch == "bm25" else len(hits) == most
    assert found, f"{branch}: {len(hits)} results, {matches} in {section}"


def show_firsts(collection: Collection, index: Path) -> None:
    """The first filtered search of a process or after a write, less an unfiltered one."""
    keys = {
        "section": F("section") == "games",
        "installed_size_kb": F("installed_size_kb") < 5000,
        "tags": F("tags").contains("role::program"),
    }
    query = collection.queries[0].text
    told: dict[str, list[float]] = {key: [] for key in keys}
    for key, filters in keys.items():
        for _ in ("never asked", "kept"):
            with opened(collection, index) as pipeline:
                told[key].append(first(branches(collection, pipeline)["dense"], query, filters))
        with opened(collection, index) as pipeline:
            dense = branches(collection, pipeline)["dense"]
            document = collection.documents[0]
            pipeline.index([replace(document, metadata={**document.metadata, "note": key})])
            told[key].append(first(dense, query, filters))
            told[key].append(first(dense, query, filters))
    print(f"\n{'first filtered search, ms':<34}never asked    kept  after a write  again")
    for key, (never, kept, after, again) in told.items():
        print(f"  {key:<32}{never:>11.1f}{kept:>8.1f}{after:>15.1f}{again:>7.1f}")


def first(search: Search, query: str, filters: Filter) -> float:
    search(query, None)
    return cpu_ms(lambda: search(query, filters))


def opened(collection: Collection, index: Path) -> Pipeline:
    return Pipeline.open(index, encoder=collection.encoder, chunker=collection.chunker)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--passages", type=int, default=1_000_000)
    options.add_argument("--queries", type=int, default=1_000)
    options.add_argument("--vectors", type=Path, default=None)
    options.add_argument("--graph-above", type=int, default=None, help="vectors, to try the graph")
    given = options.parse_args()
    if given.graph_above is not None:
        engine_config.GRAPH_ABOVE = given.graph_above
    dataset = Dataset.read(data_folder() / "debian_packages")
    collection = Collection(dataset, given.passages, given.vectors)
    parts = ("retrievo", "qdrant-edge-py", "numpy")
    print(f"Python {platform.python_version()}, {', '.join(f'{p} {version(p)}' for p in parts)}")
    print(f"{len(collection.documents)} passages, {collection.encoder.dim} dimensions")
    with tempfile.TemporaryDirectory() as work:
        index = Path(work) / "index"
        with opened(collection, index) as pipeline:
            seconds = cpu_ms(lambda: pipeline.index(collection.documents)) / 1e3
            stats = pipeline.store.stats().representations["dense"]
            print(f"indexed in {seconds:.1f} s; {stats.coding}, graph: {stats.graph}")
        show_firsts(collection, index)
        with opened(collection, index) as pipeline:
            show_sections(collection, pipeline, given.queries)
            show_recall(collection, pipeline)


if __name__ == "__main__":
    main()
