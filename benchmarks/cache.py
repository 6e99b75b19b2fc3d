"""What a cache of vectors costs and saves, on passages of a real collection.

A line for each precision: bytes a text in the file; microseconds a text to encode without a cache,
to encode and keep, to find again in batches of --batch, and to find alone; how many times faster
finding is than encoding; and the cosine of what is found to what was encoded, the least and the
mean. CPU time of one thread; the file is opened anew before texts are found, and every vector that
is found in float32 is compared to the bit.

Usage: OMP_NUM_THREADS=1 python benchmarks/cache.py [--model DIRECTORY] [--texts N]
Without --model the static encoder is measured, which keeps vectors only where a path is given.
"""

import argparse
import platform
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from collections_here import data_folder

from retrievo import Pipeline
from retrievo.encode.cache import VectorCache
from retrievo.evaluate.datasets import Dataset

ALONE = 300
ROUNDS = 3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--model", help="a sentence-transformers model in place of the static one")
    options.add_argument("--texts", type=int, default=1_000)
    options.add_argument("--batch", type=int, default=256)
    options.add_argument("--collection", default="scifact")
    given = options.parse_args()
    warnings.simplefilter("ignore")  # that passages are longer than the model reads
    texts = passages(given.collection, given.texts)
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"retrievo {version('retrievo')}; {len(texts)} passages of {given.collection}, "
        f"{Path(given.model).name if given.model else 'static'}"
    )
    plain, exact = timed(lambda: encoded(encoder(given.model, "off"), texts, given.batch))
    print("precision   bytes  encode  and keep  found  alone  faster  least cosine    mean")
    for precision in ("float32", "int8"):
        print(line(precision, texts, plain, exact, given))


def line(
    precision: str,
    texts: Sequence[str],
    plain: float,
    exact: np.ndarray,
    given: argparse.Namespace,
) -> str:
    n = len(texts)
    with tempfile.TemporaryDirectory() as folder:
        cache = VectorCache(Path(folder) / "vectors.sqlite", precision=precision)
        first = encoder(given.model, cache)
        keep, _ = timed(lambda: encoded(first, texts, given.batch))
        first.cache.close()
        bytes_a_text = Path(cache.path).stat().st_size / n
        again = encoder(given.model, cache)
        hits = [timed(lambda: encoded(again, texts, given.batch)) for _ in range(ROUNDS)]
        alone, _ = timed(lambda: encoded(again, texts[:ALONE], 1))
        assert again.cache.misses == 0
        again.cache.close()
    hit, found = min(hits, key=lambda one: one[0])
    assert precision != "float32" or np.array_equal(found, exact)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(exact, axis=1)
    cosines = np.sum(found.astype(np.float64) * exact, axis=1) / lengths
    return (
        f"{precision:9} {bytes_a_text:7.0f} {plain / n * 1e6:7.0f} {keep / n * 1e6:9.0f} "
        f"{hit / n * 1e6:6.1f} {alone / min(ALONE, n) * 1e6:6.0f} {plain / hit:7.0f} "
        f"{cosines.min():13.6f} {cosines.mean():7.6f}"
    )


def encoder(model: str | None, cache: Any) -> Any:
    if model is None:
        made = Pipeline.part("encoder", use="static", cache=cache)
    else:
        made = Pipeline.part("encoder", use="sentence-transformers", model=model, cache=cache)
    made.fingerprint  # noqa: B018  computed once and kept: not a part of the first call
    made.encode_document(["to load what is loaded on first use"])
    made.cache.hits = made.cache.misses = 0
    return made


def encoded(encoder: Any, texts: Sequence[str], batch: int) -> np.ndarray:
    parts = [encoder.encode_document(part) for part in batches(texts, batch)]
    return np.concatenate(parts)


def batches(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (texts[at : at + size] for at in range(0, len(texts), size))


def timed(act: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    started = time.process_time()
    made = act()
    return time.process_time() - started, made


def passages(name: str, n: int) -> list[str]:
    found = [document.text for document in Dataset.read(data_folder() / name).documents()]
    return list(dict.fromkeys(text for text in found if text.strip()))[:n]


if __name__ == "__main__":
    main()
