"""How well a model stands being cut, measured on the user's own texts, and heads for the cuts."""

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.calibration import Calibration, Point
from retrievo.encode.matryoshka.depth import layer_count
from retrievo.encode.matryoshka.head_files import Heads
from retrievo.encode.matryoshka.heads import Head, fit_pca, fit_ridge, unit
from retrievo.encode.sentence import SentenceEncoder
from retrievo.errors import ConfigError
from retrievo.telling import collecting, tell
from retrievo.types import Vectors

K = 10
LEAST = 60
"""Texts: half of them are held out, and ten of thirty are still a choice."""
MOST = 2000
MOST_QUERIES = 200

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_SHORTEST, _LONGEST = 20, 400  # characters of a sentence that can stand for a query

Places = npt.NDArray[np.int64]


class _States(NamedTuple):
    """Unit vectors of one depth: documents, short texts to fit on, queries; and the seconds."""

    documents: Vectors
    short: Vectors
    queries: Vectors
    seconds: float


def calibrate(
    encoder: SentenceEncoder | SentenceTransformer,
    texts: Iterable[str],
    *,
    layers: Sequence[int] | None = None,
    dims: Sequence[int] | None = None,
    queries: Sequence[str] | None = None,
    max_texts: int = MOST,
    seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> Calibration:
    """The grid of cuts of a model on these texts, with the heads that were fitted for them.

    `max_texts` of the texts are drawn by `seed`; heads are fitted on one half and measured on the
    other, whose texts are the documents. `queries` are the user's own; without them they are
    sentences of the held-out texts, and the text a sentence comes from does not count as found.
    For each of `layers` (all, or eight over the depth of a deep model) and `dims` (the whole, and
    powers of two from 32 on) the documents and queries of the same cut meet, by the first
    numbers (`slice`) and by a rotation (`pca`); for fewer layers a `ridge` lets cut queries meet
    the whole model's documents. The ridge also learns from one sentence of each text: it will be
    given queries, which are short. The heads that are kept are fitted again on all the texts.

    `progress` is called with the texts encoded so far and all. Raises ConfigError for fewer than
    60 different texts, for a cut that the model does not have, and for a model that cannot be cut.
    """
    whole = _whole(encoder)
    model = whole.model
    deepest, widest = layer_count(model), whole.dim
    depths = _wanted("layers", layers, deepest) if layers else _spread(deepest)
    widths = _wanted("dims", dims, widest) if dims else _widths(widest)
    chosen = _drawn(texts, max_texts, seed)
    half = len(chosen) // 2
    short = [_sentence(text, place + seed) for place, text in enumerate(chosen)]
    given = list(queries) if queries is not None else short[half:][:MOST_QUERIES]
    if not any(text.strip() for text in given):
        raise ConfigError("queries holds no text; give some, or leave it out")
    every = sorted({*depths, deepest})
    report = _Counted(progress, len(every) * (2 * len(chosen) + len(given)))
    with collecting():  # what these two texts tell is told again with all
        whole.encode_document(chosen[:2])  # what is made on first use is no part of the time
    with collecting() as told:
        states = {
            depth: _states(whole.at_depth(depth), chosen, short, given, report) for depth in every
        }
    for message in dict.fromkeys(told):  # each depth says the same of the same long texts
        tell(message)
    own = np.arange(len(given)) if queries is None else None
    k = min(K, len(chosen) - half - (own is not None))
    if half < widest:
        tell(
            f"heads are measured that were fitted on {half} texts, fewer than the {widest} "
            "dimensions of their vectors: with more texts they are better, and so are the figures"
        )
    with collecting():  # each fit says the same of itself
        grid = _Grid(states, deepest, half, own, k)
        points = [point for depth in depths for point in grid.points(depth, widths)]
        fitted = tuple(_fitted(states, depths, deepest, slice(None), max(widths)))
    name = str(whole.identity()["model"])
    heads = Heads(name, whole.fingerprint, deepest, widest, fitted)
    source = "given" if queries is not None else "sentences of the held-out documents"
    return Calibration(tuple(points), heads, len(chosen), len(chosen) - half, len(given), source, k)


class _Grid:
    """Measures cuts on the held-out texts with heads that were fitted on the others."""

    def __init__(
        self,
        states: Mapping[int, _States],
        deepest: int,
        half: int,
        own: Places | None,
        k: int,
    ) -> None:
        self._states, self._deepest, self._half, self._own, self._k = states, deepest, half, own, k
        whole = states[deepest]
        self._documents, self._queries = whole.documents[half:], whole.queries
        self._wanted = self._nearest(self._queries, self._documents)

    def points(self, depth: int, widths: Sequence[int]) -> list[Point]:
        found, fit = self._states[depth], slice(self._half)
        cost = found.seconds / self._states[self._deepest].seconds
        documents, queries = found.documents[self._half :], found.queries
        heads = {one.kind: one for one in _fitted(self._states, [depth], self._deepest, fit)}
        points = []
        for width in widths:
            for head in (Head("slice", depth), heads["pca"]):
                nearest = self._nearest(head.apply(queries, width), head.apply(documents, width))
                points.append(Point(depth, width, head.kind, self._overlap(nearest), cost))
        if "ridge" in heads:
            nearest = self._nearest(heads["ridge"].apply(queries), self._documents)
            widest = self._documents.shape[1]
            points.append(Point(depth, widest, "ridge", self._overlap(nearest), cost))
        return points

    def _nearest(self, queries: Vectors, documents: Vectors) -> Places:
        """int64[queries, k]: the nearest documents, but for the one that a query comes from."""
        scores = queries @ documents.T
        if self._own is not None:
            scores[self._own, self._own] = -np.inf
        order: Places = np.argsort(-scores, axis=1, kind="stable")
        return order[:, : self._k]

    def _overlap(self, nearest: Places) -> float:
        same = nearest[:, :, None] == self._wanted[:, None, :]
        return float(same.any(axis=2).mean())


def _fitted(
    states: Mapping[int, _States],
    depths: Iterable[int],
    deepest: int,
    rows: slice,
    dims: int | None = None,
) -> list[Head]:
    """The heads of these depths, fitted on these rows of the texts."""
    whole = states[deepest]
    targets = np.concatenate([whole.documents[rows], whole.short[rows]])
    heads = []
    for depth in depths:
        found = states[depth]
        heads.append(fit_pca(found.documents[rows], layers=depth, dims=dims))
        if depth < deepest:
            inputs = np.concatenate([found.documents[rows], found.short[rows]])
            heads.append(fit_ridge(inputs, targets, layers=depth))
    return heads


class _Counted:
    def __init__(self, progress: Callable[[int, int], object] | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, n: int) -> None:
        self._done += n
        if self._progress is not None:
            self._progress(self._done, self._total)


def _whole(encoder: SentenceEncoder | SentenceTransformer) -> SentenceEncoder:
    """The encoder with all its layers and dimensions, without a head and without a cache."""
    if isinstance(encoder, SentenceEncoder):
        return encoder.at_depth(None)
    if isinstance(encoder, SentenceTransformer):
        return SentenceEncoder(encoder, cache="off")
    raise ConfigError(
        f"a {type(encoder).__name__} cannot be calibrated: it has no layers to cut; give a "
        "SentenceEncoder or a SentenceTransformer"
    )


def _states(
    encoder: SentenceEncoder,
    texts: Sequence[str],
    short: Sequence[str],
    queries: Sequence[str],
    report: _Counted,
) -> _States:
    started = _clock(encoder)
    documents = encoder.encode_document(texts)
    seconds = _clock(encoder) - started
    report.add(len(texts))
    # A ridge serves queries, so its short texts are encoded as queries are.
    sentences = encoder.encode_query(short)
    report.add(len(short))
    asked = encoder.encode_query(queries)
    report.add(len(queries))
    return _States(unit(documents), unit(sentences), unit(asked), seconds)


def _clock(encoder: SentenceEncoder) -> float:
    """Seconds. Of the processor where it does the work: other programs then do not count."""
    on_cpu = encoder.model.device.type == "cpu"
    return time.process_time() if on_cpu else time.perf_counter()


def _drawn(texts: Iterable[str], most: int, seed: int) -> list[str]:
    """At most `most` different texts that are not empty, in random order."""
    different = list({text: None for text in texts if text.strip()})
    if len(different) < LEAST or most < LEAST:
        raise ConfigError(
            f"{min(len(different), most)} different texts to calibrate on; at least {LEAST} are "
            "wanted, and some hundreds make the figures steady"
        )
    return random.Random(seed).sample(different, min(most, len(different)))


def _sentence(text: str, seed: int) -> str:
    """A random sentence of the text, the text's beginning where it has none of a fair length."""
    found = [
        part for part in _SENTENCE_END.split(text) if _SHORTEST <= len(part.strip()) <= _LONGEST
    ]
    return random.Random(seed).choice(found).strip() if found else text.strip()[:_LONGEST]


def _wanted(name: str, given: Sequence[int], most: int) -> list[int]:
    chosen = sorted(set(given))
    if not all(1 <= one <= most for one in chosen):
        raise ConfigError(f"{name} is {list(given)}; each must be from 1 to {most}")
    return chosen


def _spread(deepest: int) -> list[int]:
    """All depths of a shallow model, eight of a deep one."""
    steps = min(deepest, 8)
    return sorted({round(deepest * step / steps) for step in range(1, steps + 1)})


def _widths(widest: int) -> list[int]:
    """The powers of two from 32 on, and the whole."""
    return [*(1 << power for power in range(5, 16) if 1 << power < widest), widest]
