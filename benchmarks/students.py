"""A static student beside its teacher: how good its queries are, and what they cost.

For each BEIR folder an index is made with the teacher (a sentence-transformers model) and a static
student of it. nDCG@10, documents by their best chunk: the teacher's queries, the student's, the
student's on documents encoded by the student itself ("symmetric"), both fused with BM25, and the
student's best 100 scored again by the teacher: always, and only where the student is unsure (and
how many queries that were). Then what a query costs from its text to its hits, with BM25, in a
process of its own that loads no torch. Usage:
python benchmarks/students.py --model DIRECTORY [NAME ...] [--keep FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from collections_here import data_folder

from retrievo import Pipeline
from retrievo.encode.student.static import StaticStudent
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.metrics import parse_metrics
from retrievo.tune.distill.distill import distill

NAMES = ("scifact", "docs_qa", "code_chunks_qa", "limit_small")
COLUMNS = ("teacher", "student", "symmetric", "rescored", "unsure", "asked", "+BM25 T", "+BM25 S")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--model", required=True, help="the teacher")
    options.add_argument("--keep", help="where indexes are kept between runs")
    given = options.parse_args()
    print(f"{'nDCG@10':<17}" + "".join(f"{c:>11}" for c in COLUMNS) + "   fit CPU s")
    with tempfile.TemporaryDirectory() as made:
        for name in given.names:
            one(name, given.model, Path(given.keep or made))


def one(name: str, model: str, root: Path) -> None:
    dataset = Dataset.read(data_folder() / name)
    index, student = root / f"{name}.index", root / f"{name}.student"
    encoder = {"use": "sentence-transformers", "model": model}
    with opened(root, index, encoder=encoder) as pipeline:
        pipeline.index(dataset.documents())
        started = time.process_time()
        card = distill(pipeline, "static", student, force=True).card
        seconds = time.process_time() - started
        found = {"teacher": dense(pipeline, dataset), "+BM25 T": hybrid(pipeline, dataset)[0]}
        found["symmetric"] = symmetric(pipeline, dataset, student)
    query = {"use": "static-student", "path": str(student)}
    with opened(root, index, encoder=encoder, query_encoder=query) as pipeline:
        found["student"], found["+BM25 S"] = dense(pipeline, dataset), hybrid(pipeline, dataset)[0]
    for column, more in (("rescored", {}), ("unsure", {"rescore_when": "unsure"})):
        if more and card.margin is None:
            found[column], found["asked"] = float("nan"), float("nan")
            continue
        tables = {"dense": {"rescore": "teacher", **more}}
        with opened(
            root, index, encoder=encoder, query_encoder=query, retrievers={**tables, "bm25": {}}
        ) as pipeline:
            found[column] = dense(pipeline, dataset)
            found["asked"] = hybrid(pipeline, dataset)[1]
    cells = "".join(f"{found[c]:>11.3f}" for c in COLUMNS)
    print(f"{name:<17}{cells}   {seconds:.0f}", flush=True)
    for label, part in (
        ("student/teacher", found["student"] / found["teacher"]),
        ("rescored/teacher", found["rescored"] / found["teacher"]),
        ("fused/fused", found["+BM25 S"] / found["+BM25 T"]),
    ):
        print(f"    {label} {part:.1%}", end="")
    print(f"    queries {card.queries}; encoding {card.latency.ratio:.0f} x cheaper")
    print(f"    {served(index, student, dataset)}", flush=True)


def opened(root: Path, index: Path, **tables: object) -> Pipeline:
    path = root / "pipeline.json"
    path.write_text(json.dumps({"format": 1, **tables}))
    return Pipeline.from_toml(path, index=index)


def dense(pipeline: Pipeline, dataset: Dataset) -> float:
    """The dense branch alone."""
    from retrievo.types import Query

    retriever = pipeline._answering().searcher.retrievers["dense"]
    pipeline._binding.for_searching()
    queries = [Query(query.text) for query in dataset.queries]
    found = retriever.search(queries, retriever.depth)
    return mean(dataset, [[c.doc_id for c in pipeline.store.get(one.rows)] for one in found])


def hybrid(pipeline: Pipeline, dataset: Dataset) -> tuple[float, float]:
    """The whole pipeline, and the share of queries that the teacher was asked."""
    ranked, asked = [], 0
    for query in dataset.queries:
        hits = pipeline.search(query.text, top_k=10, per_document=True)
        ranked.append([hit.doc_id for hit in hits])
        ways = {hit.trace["branches"]["dense"].get("scored_by") for hit in hits}
        asked += "teacher" in ways
    return mean(dataset, ranked), asked / len(dataset.queries)


def symmetric(pipeline: Pipeline, dataset: Dataset, folder: Path) -> float:
    """Documents by the student as well, exactly compared."""
    student, store = StaticStudent(folder), pipeline.store
    chunks = [chunk for rows in store.scan() for chunk in store.get(rows)]
    texts = [chunk.indexed_text for chunk in chunks]
    documents = np.concatenate(
        [student.encode_query(texts[at : at + 1024]) for at in range(0, len(texts), 1024)]
    )
    scores = student.encode_query([query.text for query in dataset.queries]) @ documents.T
    best = np.argsort(-scores, axis=1)[:, :100]
    return mean(dataset, [[chunks[place].doc_id for place in row] for row in best])


def mean(dataset: Dataset, ranked: list[list[str]]) -> float:
    [metric] = parse_metrics(["ndcg@10"])
    pairs = zip(ranked, dataset.queries, strict=True)
    values = [metric(list(dict.fromkeys(names)), query.grades) for names, query in pairs]
    return float(np.mean(values))


SERVED = """
import json, sys, time
import numpy as np
from retrievo import Pipeline
path, index, queries = sys.argv[1:]
queries = json.load(open(queries))
with Pipeline.from_toml(path, index=index) as pipeline:
    [pipeline.search(query, top_k=10) for query in queries[:50]]
    whole, alone, encoder = [], [], pipeline._assembly.part("query_encoder")
    for query in queries:
        started = time.process_time(); pipeline.search(query, top_k=10)
        whole.append(time.process_time() - started)
        started = time.process_time(); encoder.encode_query([query])
        alone.append(time.process_time() - started)
    n = pipeline.store.count()
torch = "torch" in sys.modules or "sentence_transformers" in sys.modules
print(f"{n:,} chunks, a query from text to hits: p50 {np.median(whole) * 1e3:.2f} ms of CPU, p95 "
      f"{np.quantile(whole, .95) * 1e3:.2f}; encoding it {np.median(alone) * 1e3:.3f} ms; "
      f"torch {'LOADED' if torch else 'not loaded'}")
"""


def served(index: Path, student: Path, dataset: Dataset) -> str:
    """What one query costs in a process that has nothing but the index and the student."""
    root = index.parent
    queries = root / "queries.json"
    queries.write_text(json.dumps([query.text for query in dataset.queries]))
    command = [sys.executable, "-c", SERVED, root / "served.json", index, queries]
    tables = json.loads((root / "pipeline.json").read_text())
    tables.pop("retrievers", None)
    (root / "served.json").write_text(json.dumps(tables))
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
