"""What fewer dimensions and fewer layers of a model keep and cost, on scifact.

The first table: nDCG@10 with the first numbers of a vector (slice) and after a PCA rotation of the
documents (pca), all layers. The second: the time of a text by depth, and nDCG@10 of queries cut to
that depth, as they are against documents of the same depth (raw) and through a ridge head against
the whole model's documents. Heads are fitted on the collection's own texts, without its judgments.
Beside each figure is its share of the whole model's.

Usage: OMP_NUM_THREADS=1 python benchmarks/matryoshka.py --model DIRECTORY [--cache DIR] [--docs N]
Vectors are kept in the cache; --docs takes the judged documents and the first others up to N.
"""

import argparse
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from collections_here import data_folder

from retrievo.evaluate.datasets import Dataset
from retrievo.evaluate.metrics import ndcg

DIMS = (32, 64, 96, 128, 192, 256)
TIMED, ROUNDS = 48, 3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--model", required=True, help="a sentence-transformers model")
    options.add_argument("--cache", type=Path, help="where vectors are kept between runs")
    options.add_argument("--docs", type=int, help="how many documents [default: all]")
    given = options.parse_args()
    from retrievo.encode.matryoshka.calibrate import _sentence
    from retrievo.encode.matryoshka.depth import layer_count
    from retrievo.encode.matryoshka.heads import Head, fit_pca, fit_ridge
    from retrievo.encode.sentence import SentenceEncoder

    dataset = Dataset.read(data_folder() / "scifact")
    ids, texts = documents_of(dataset, given.docs)
    sentences = [_sentence(text, place) for place, text in enumerate(texts)]
    queries = [query.text for query in dataset.queries]
    whole = SentenceEncoder(given.model, cache="off", on_truncate="warn")
    layers = layer_count(whole.model)
    print(f"Python {platform.python_version()}, numpy {np.__version__}; {Path(given.model).name}, ")
    print(f"{layers} layers, {len(texts)} documents, {len(queries)} queries of scifact\n")
    states = {}
    for depth in range(1, layers + 1):
        encoder = whole.at_depth(depth)
        folder = given.cache / f"scifact-{len(texts)}-{depth}" if given.cache else None
        states[depth] = tuple(
            kept(folder and folder / f"{name}.npy", some, encode)
            for name, some, encode in (
                ("documents", texts, encoder.encode_document),
                ("queries", queries, encoder.encode_query),
                ("sentences", sentences, encoder.encode_query),
            )
        )

    def score(asked: np.ndarray, documents: np.ndarray) -> float:
        order = np.argsort(-(asked @ documents.T), axis=1, kind="stable")[:, :10]
        scores = [
            ndcg([ids[place] for place in row], query.grades, 10)
            for row, query in zip(order, dataset.queries, strict=True)
        ]
        return float(np.mean(scores))

    documents, asked, short = states[layers]
    base = score(asked, documents)
    pca = fit_pca(documents, layers=layers)
    print(
        f"| dims | bytes | slice | pca |\n|---|---|---|---|\n| {whole.dim} | {whole.dim * 4} | ",
        end="",
    )
    print(f"{base:.3f} | {base:.3f} |")
    for dim in reversed(DIMS):
        heads = (Head("slice", layers), pca)
        found = [score(head.apply(asked, dim), head.apply(documents, dim)) for head in heads]
        print(f"| {dim} | {dim * 4} | " + " | ".join(share(one, base) for one in found) + " |")
    costs = timed(whole, texts[:TIMED], layers)
    print(
        "\n| layers | time | limit | raw | ridge, documents by the whole model |\n"
        + "|---" * 5
        + "|"
    )
    for depth in range(1, layers):
        own, cut, cut_short = states[depth]
        ridge = fit_ridge(
            np.concatenate([own, cut_short]), np.concatenate([documents, short]), layers=depth
        )
        raw, mapped = score(cut, own), score(ridge.apply(cut), documents)
        print(f"| {depth} | {costs[depth]:.2f} | {depth / layers + 0.12:.2f} | ", end="")
        print(f"{share(raw, base)} | {share(mapped, base)} |")


def kept(path: Path | None, texts: Sequence[str], encode: object) -> np.ndarray:
    """The vectors in the file, made and written where it is not there."""
    if path and path.is_file():
        return np.load(path)
    made = encode(texts)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, made)
    return made


def documents_of(dataset: Dataset, most: int | None) -> tuple[list[str], list[str]]:
    """Ids and texts, title and text joined by a space; judged documents before others."""
    judged = {name for query in dataset.queries for name in query.grades}
    every = list(dataset.documents())
    chosen = every
    if most is not None:
        chosen = sorted(every, key=lambda document: document.id not in judged)[:most]
    return [one.id for one in chosen], [f"{one.title} {one.text}".strip() for one in chosen]


def timed(whole: object, texts: Sequence[str], layers: int) -> dict[int, float]:
    """Processor time by depth as a share of the whole model's: the least of a few rounds."""
    best = dict.fromkeys(range(1, layers + 1), float("inf"))
    encoders = {depth: whole.at_depth(depth) for depth in best}
    for _ in range(ROUNDS):
        for depth, encoder in encoders.items():
            started = time.process_time()
            encoder.encode_document(texts)
            best[depth] = min(best[depth], time.process_time() - started)
    return {depth: seconds / best[layers] for depth, seconds in best.items()}


def share(value: float, base: float) -> str:
    return f"{value:.3f} ({value / base:.1%})"


if __name__ == "__main__":
    main()
