"""An index moved from one encoder to another: what it answers before, meanwhile and after.

For each BEIR folder an index is made with the static encoder (or, with --reverse, with the
transformer) and moved to the other one. nDCG@10 and recall@100, documents by their best chunk:
"old" the index as it was, "mapped" the new encoder's queries on the old vectors, at once, "half"
when half of the documents have moved, "new" after the exchange, "fresh" an index made with the new
encoder. "equal" says whether moved and fresh index hold the same ids and the same bits.
Usage: python benchmarks/migrate.py --model DIRECTORY [NAME ...] [--dense] [--reverse]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from collections_here import data_folder

from retrievo import Pipeline
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.metrics import parse_metrics

NAMES = ("scifact", "docs_qa", "code_chunks_qa")
METRICS = ("ndcg@10", "recall@100")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--model", required=True, help="a sentence-transformers model")
    options.add_argument("--dense", action="store_true", help="without BM25")
    options.add_argument("--reverse", action="store_true", help="from the model to static")
    given = options.parse_args()
    print(
        f"{'nDCG@10 / recall@100':<18}" + "".join(f"{w:>14}" for w in STAGES) + "   equal   CPU s"
    )
    for name in given.names:
        one(name, given)


STAGES = ("old", "mapped", "half", "new", "fresh")


def one(name: str, given: argparse.Namespace) -> None:
    dataset = Dataset.read(data_folder() / name)
    with tempfile.TemporaryDirectory() as folder:
        # The moved and the fresh index share the vectors of a text only through their encoder.
        model = {"use": "sentence-transformers", "model": given.model, "cache": "off"}
        old, new = ({"use": "static"}, model)[:: -1 if given.reverse else 1]
        # Below what the model reads, so that the fresh index is cut like the one that moves.
        tables = {"chunker": {"tokenizer": "static", "chunk_size": 200}}
        if given.dense:
            tables["retrievers"] = {"dense": {}}
        found = {}
        with open_it(folder, "index", {**tables, "encoder": old}) as pipeline:
            pipeline.index(dataset.documents())
            found["old"] = measured(pipeline, dataset)
            started = time.process_time()
            moving = pipeline.migrate(new, force=True)
            begun = time.process_time() - started
            found["mapped"] = measured(pipeline, dataset)
            half(moving, pipeline.store.document_count() // 2)
            found["half"] = measured(pipeline, dataset)
            started = time.process_time()
            moving.finish()
            rest = time.process_time() - started
            found["new"] = measured(pipeline, dataset)
            moved = held(pipeline)
        with open_it(folder, "fresh", {**tables, "encoder": new}) as pipeline:
            pipeline.index(dataset.documents())
            found["fresh"] = measured(pipeline, dataset)
            equal = held(pipeline) == moved
        cells = "".join(f"{found[s][0]:>8.3f}/{found[s][1]:.3f}" for s in STAGES)
        print(f"{name:<18}{cells}   {equal}   {begun:.0f} + {rest:.0f}", flush=True)


def open_it(folder: str, name: str, tables: dict) -> Pipeline:
    import json

    path = Path(folder) / f"{name}.json"
    path.write_text(json.dumps({"format": 1, **tables}))
    return Pipeline.from_toml(path, index=Path(folder) / name)


def half(moving, count: int) -> None:
    """Move documents in the thread until so many have moved, and the batch that they are in."""
    moving.start()
    while moving.documents[0] < count and not moving.wait(timeout_s=0.2):
        pass
    moving.stop()


def measured(pipeline: Pipeline, dataset: Dataset) -> list[float]:
    measures = parse_metrics(METRICS)
    totals = np.zeros(len(measures))
    for query in dataset.queries:
        hits = pipeline.search(query.text, top_k=100, per_document=True)
        ranked = [hit.doc_id for hit in hits]
        totals += [metric(ranked, query.grades) for metric in measures]
    return (totals / len(dataset.queries)).tolist()


def held(pipeline: Pipeline) -> dict[str, bytes]:
    store = pipeline.store
    return {
        chunk.id: vector.tobytes()
        for rows in store.scan()
        for chunk, vector in zip(store.get(rows), store.vectors("dense", rows), strict=True)
    }


if __name__ == "__main__":
    main()
