"""How good the default pipeline's answers are, beside its own parts and another fusion.

For each BEIR folder: BM25 alone, the encoder alone, reciprocal rank fusion, and the default
(convex by the theoretical bound), all over the same chunks. nDCG@10 and recall@100, documents by
their best chunk. Usage: python benchmarks/quality.py [NAME ...] [--model DIRECTORY]
"""

import argparse
import tempfile
from pathlib import Path

from collections_here import data_folder

from retrievo import Pipeline
from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.run import evaluate

NAMES = ("scifact", "docs_qa", "code_chunks_qa", "limit_small")
METRICS = ("ndcg@10", "recall@100")
WAYS = {
    "BM25": '[retrievers.bm25]\nuse = "bm25"\n',
    "dense": '[retrievers.dense]\nuse = "dense"\n',
    "RRF k=60": '[fusion]\nuse = "rrf"\n',
    "default": "",
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--model", help="a sentence-transformers model instead of the static one")
    given = options.parse_args()
    encoder = None
    if given.model:
        encoder = Pipeline.part("encoder", use="sentence-transformers", model=given.model)
        encoder = Remembering(encoder)
    print(f"{'nDCG@10 / recall@100':<22}" + "".join(f"{way:>16}" for way in WAYS))
    for name in given.names:
        dataset = Dataset.read(data_folder() / name)
        line = f"{name:<22}"
        for tables in WAYS.values():
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
                config.write(tables)
                config.flush()
                pipeline = Pipeline.from_toml(Path(config.name), encoder=encoder)
            found = evaluate(pipeline, dataset, METRICS).metrics
            line += f"{found['ndcg@10']:>9.3f}/{found['recall@100']:.3f} "
        print(line, flush=True)


class Remembering:
    """An encoder that encodes no document twice: the four ways share its vectors."""

    def __init__(self, encoder: object) -> None:
        self._encoder = encoder
        self._known: dict[str, object] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def encode_document(self, texts: list[str]) -> object:
        import numpy as np

        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._encoder.encode_document(new), strict=True))
        return np.stack([self._known[text] for text in texts])


if __name__ == "__main__":
    main()
