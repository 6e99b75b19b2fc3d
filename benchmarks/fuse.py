"""What each fusion makes of the same candidates, beside the branches alone.

For each collection nDCG@10 and recall@2, documents by their best chunk: BM25 and the encoder alone,
then each fusion of their best --depth chunks, as they are and completed (each branch scores what
only the other one found). Then what fusing two lists of 1,000 costs.

Usage: python benchmarks/fuse.py [NAME ...] [--model DIRECTORY] [--keep FOLDER] [--depth N]
--keep holds the indexes of an earlier run, so that nothing is encoded twice.
"""

import argparse
import platform
import timeit
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from collections_here import data_folder

from retrievo import Pipeline
from retrievo.evaluate.datasets import Dataset, JudgedQuery
from retrievo.evaluate.metrics import parse_metrics
from retrievo.fuse.convex import Convex
from retrievo.fuse.distribution import DistributionBased
from retrievo.fuse.gated import Gated
from retrievo.fuse.reciprocal import ReciprocalRank
from retrievo.search.completing import wholly_scored
from retrievo.types import Candidates, Query

NAMES = ("scifact", "docs_qa", "code_chunks_qa", "limit_small")
METRICS = ("ndcg@10", "recall@2")
LOOKED_AT = 100
FUSIONS = {
    "rrf k=60": ReciprocalRank(),
    "rrf k=10": ReciprocalRank(k=10),
    "dbsf": DistributionBased(),
    "convex z-score": Convex(normalise="z-score"),
    "convex min-max": Convex(normalise="min-max"),
    "convex atan": Convex(normalise="atan"),
    "convex bound": Convex(),
    "gated": Gated(),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--model", help="a sentence-transformers model instead of the static one")
    options.add_argument("--keep", type=Path, help="a folder for the indexes")
    options.add_argument("--depth", type=int, default=100)
    given = options.parse_args()
    warnings.simplefilter("ignore")  # that passages are longer than the model reads
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, retrievo "
        f"{version('retrievo')}; {Path(given.model).name if given.model else 'static'} and BM25, "
        f"depth {given.depth}; {' / '.join(METRICS)}"
    )
    rows: dict[str, list[str]] = {}
    for name in given.names:
        with Collection(name, given.model, given.keep) as collection:
            for way, values in measured(collection, given.depth).items():
                rows.setdefault(way, []).append(" / ".join(f"{v:.3f}" for v in values))
    print(f"{'':<26}" + "".join(f"{name:>18}" for name in given.names))
    for way, cells in rows.items():
        print(f"{way:<26}" + "".join(f"{cell:>18}" for cell in cells))
    speed()


class Collection:
    """An indexed collection and, for each of its queries, what each branch finds."""

    def __init__(self, name: str, model: str | None, keep: Path | None) -> None:
        self.name = name
        self.dataset = Dataset.read(data_folder() / name)
        arguments = {"use": "sentence-transformers", "model": model} if model else {"use": "static"}
        encoder = Pipeline.part("encoder", **arguments)
        side = "model" if model else "static"
        folder = None if keep is None else keep / f"{name}.{side}"
        self.pipeline = (
            Pipeline.open(folder, encoder=encoder) if folder else Pipeline(encoder=encoder)
        )
        self.pipeline.index(self.dataset.documents())
        self.retrievers: Mapping[str, Any] = self.pipeline._assembly.part("retrievers")

    def __enter__(self) -> "Collection":
        return self

    def __exit__(self, *raised: object) -> None:
        self.pipeline.close()

    def branches(self, depth: int) -> Iterator[tuple[JudgedQuery, dict[str, Candidates]]]:
        """What each branch finds for each query."""
        for judged in self.dataset.queries:
            query = Query(judged.text)
            yield judged, {n: r.search([query], depth)[0] for n, r in self.retrievers.items()}

    def completed(self, text: str, found: Mapping[str, Candidates]) -> dict[str, Candidates]:
        """Each branch with the scores of what only others found."""
        return wholly_scored(found, self.retrievers, Query(text))

    def documents(self, rows: np.ndarray) -> list[str]:
        """The ids of the rows' documents, each once, in order."""
        return list(dict.fromkeys(chunk.doc_id for chunk in self.pipeline.store.get(rows)))


def measured(collection: Collection, depth: int) -> dict[str, Sequence[float]]:
    """The means of the metrics by way."""
    metrics = parse_metrics(METRICS)
    values: dict[str, list[list[float]]] = {}

    def note(way: str, rows: np.ndarray, judged: JudgedQuery) -> None:
        ranked = collection.documents(rows[:LOOKED_AT])
        values.setdefault(way, []).append([metric(ranked, judged.grades) for metric in metrics])

    for judged, found in collection.branches(depth):
        for name in ("bm25", "dense"):
            note(name, found[name].rows, judged)
        whole = collection.completed(judged.text, found)
        for name, fusion in FUSIONS.items():
            note(name, fusion.fuse(found, LOOKED_AT).rows, judged)
            if not isinstance(fusion, ReciprocalRank):
                note(f"{name}, completed", fusion.fuse(whole, LOOKED_AT).rows, judged)
    return {way: np.mean(each, axis=0).tolist() for way, each in values.items()}


def speed() -> None:
    """Microseconds to fuse two lists of 1,000 for the best 10 and 100, the fastest of many runs."""
    draw = np.random.default_rng(0)

    def some(bound: float) -> Candidates:
        scores = np.sort(draw.random(1_000).astype(np.float32))[::-1].copy()
        return Candidates(draw.choice(63_000, 1_000, replace=False), scores, bound)

    lists = {"dense": some(1.0), "bm25": some(2.0)}
    print("\nmicroseconds to fuse 2 x 1,000 candidates, for the best 10 / 100")
    for name, fusion in FUSIONS.items():
        best = [
            min(timeit.repeat(lambda f=fusion, k=k: f.fuse(lists, k), number=20, repeat=200)) / 20
            for k in (10, 100)
        ]
        print(f"{name:<26}" + " / ".join(f"{1e6 * seconds:.0f}" for seconds in best))


if __name__ == "__main__":
    main()
