"""What `feedback` is worth: words, a vector and both, beside the query as it is.

For each BEIR folder and each of BM25, dense and the default hybrid: nDCG@10 and recall@100, and the
p of a paired randomization test over the queries' nDCG@10. Usage: python benchmarks/expanders.py
[--minilm] [NAME ...]
"""

import argparse
import tempfile
from pathlib import Path

from collections_here import data_folder
from quality import Remembering
from template import model

from retrievo import Pipeline
from retrievo.evaluate.compare import compare_results, read_results
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.run import evaluate

NAMES = ("scifact", "docs_qa", "code_chunks_qa", "limit_small")
METRICS = ("ndcg@10", "recall@100")
KINDS = {
    "BM25": '[retrievers.bm25]\nuse = "bm25"\n',
    "dense": '[retrievers.dense]\nuse = "dense"\n',
    "hybrid": "",
}
WAYS = {
    "the query": "",
    "words": '[expander]\nuse = "feedback"\nbeta = 0\n',
    "vector": '[expander]\nuse = "feedback"\nterms = 0\n',
    "both": '[expander]\nuse = "feedback"\n',
}
IDLE = {("BM25", "vector"), ("BM25", "both"), ("dense", "words"), ("dense", "both")}
"""What changes nothing there."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--minilm", action="store_true", help="instead of the static encoder")
    given = options.parse_args()
    use, arguments = model(minilm=given.minilm)
    encoder = Remembering(Pipeline.part("encoder", use, **arguments))
    for name in given.names:
        dataset = Dataset.read(data_folder() / name)
        print(f"\n{name}: {len(dataset.queries)} queries")
        with tempfile.TemporaryDirectory() as folder:
            for kind, tables in KINDS.items():
                for way, table in WAYS.items():
                    if (kind, way) in IDLE:
                        continue
                    config = Path(folder) / "pipeline.toml"
                    config.write_text(tables + table)
                    results = Path(folder) / f"{kind} {way}.jsonl"
                    pipeline = Pipeline.from_toml(config, encoder=encoder)
                    found = evaluate(pipeline, dataset, METRICS, per_query=results).metrics
                    line = f"{kind:<8}{way:<12}{found['ndcg@10']:>7.3f}{found['recall@100']:>7.3f}"
                    if table:
                        plain = read_results(Path(folder) / f"{kind} the query.jsonl")
                        one = compare_results(plain, read_results(results))[0]
                        line += f"{one.difference:>+8.3f}, p = {one.p:.3f}"
                    print(line, flush=True)


if __name__ == "__main__":
    main()
