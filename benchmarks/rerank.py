"""What rerankers are worth, and what they cost, over the default search with the static encoder.

For each BEIR folder the nDCG@10 of its first --queries, the mean cosine between two of the ten hits
(likeness, by the static encoder), and the CPU milliseconds of a query. `max-sim` reads the token
states of MiniLM, each chunk once: its time is that of the first query that wants it.
--cross-encoder names a model or a directory for one more row. One thread.

Usage: python benchmarks/rerank.py [--queries 100] [--cross-encoder MODEL] [NAME ...]
"""

import argparse
import os
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402
from collections_here import data_folder  # noqa: E402
from template import model  # noqa: E402

from retrievo import Pipeline  # noqa: E402
from retrievo.evaluate.datasets import Dataset  # noqa: E402
from retrievo.evaluate.metrics import ndcg  # noqa: E402
from retrievo.types import MultiRows  # noqa: E402

NAMES = ("docs_qa", "code_chunks_qa", "limit_small", "scifact")


class RememberingTokens:
    """An encoder that makes the token vectors of a text once."""

    tokens_refused = None

    def __init__(self, encoder: object) -> None:
        self._encoder, self._known = encoder, {}
        self.dim = encoder.dim

    def encode_tokens(self, texts: list[str], *, query: bool) -> MultiRows:
        new = [text for text in dict.fromkeys(texts) if (text, query) not in self._known]
        if new:
            rows = self._encoder.encode_tokens(new, query=query)
            self._known |= {(text, query): np.array(rows[i]) for i, text in enumerate(new)}
        found = [self._known[text, query] for text in texts]
        sizes = [len(one) for one in found]
        return MultiRows(np.concatenate([[0], np.cumsum(sizes)]), np.concatenate(found))


def likeness(vectors: np.ndarray) -> float:
    """The mean cosine between two different rows."""
    n = len(vectors)
    return float((np.sum(vectors @ vectors.T) - n) / max(1, n * (n - 1)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", default=NAMES)
    options.add_argument("--queries", type=int, default=100)
    options.add_argument("--cross-encoder", help="a model of the hub, or a directory")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    static = Pipeline.part("encoder", "static")
    use, arguments = model(minilm=True)
    tokens = RememberingTokens(Pipeline.part("encoder", use, **arguments))
    for name in given.names:
        dataset = Dataset.read(data_folder() / name)
        queries = dataset.queries[: given.queries]
        parts = {"encoder": static, "store": Pipeline.part("store", "memory")}
        Pipeline(**parts).index(dataset.documents())
        rerankers = {"none": None}
        for diversity in (0.3, 0.5):
            rerankers[f"diversity {diversity}"] = Pipeline.part(
                "reranker", "diversity", diversity=diversity, **parts
            )
        rerankers["max-sim"] = Pipeline.part(
            "reranker", "max-sim", encoder=tokens, store=parts["store"]
        )
        if given.cross_encoder:
            rerankers["cross-encoder"] = Pipeline.part(
                "reranker", "cross-encoder", model=given.cross_encoder
            )
        print(f"\n{name}: {len(queries)} queries")
        for way, reranker in rerankers.items():
            pipeline = Pipeline(**parts, **({} if reranker is None else {"reranker": reranker}))
            gains, alike, spent = [], [], 0.0
            for query in queries:
                begun = time.process_time()
                hits = pipeline.search(query.text, top_k=10, per_document=True, strict=True)
                spent += time.process_time() - begun
                gains.append(ndcg([hit.doc_id for hit in hits], query.grades, 10))
                alike.append(likeness(static.encode_document([hit.text for hit in hits])))
            print(
                f"{way:<16}nDCG@10 {np.mean(gains):.3f}   likeness {np.mean(alike):.2f}   "
                f"{1000 * spent / len(queries):8.1f} ms",
                flush=True,
            )


if __name__ == "__main__":
    main()
