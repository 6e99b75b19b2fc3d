"""What the points of a ladder are worth: neighbours kept, and answers to judged queries."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import SentenceTransformer

from retrievo.encode.matryoshka.heads import Head, unit
from retrievo.encode.matryoshka.ladder import Cut
from retrievo.encode.transformer.batching import token_batches
from retrievo.evaluate.metrics import ndcg
from retrievo.tune.judged import Judged
from retrievo.tune.ladder_depths import Depths, on_device
from retrievo.types import Vectors

K = 10
_BUDGET = {"cpu": 2048, "cuda": 65536}
_CHARACTERS_A_TOKEN = 4

Scores = dict[Cut, dict[str, float]]
States = dict[int, Vectors]
Places = npt.NDArray[np.int64]


class Prompts(NamedTuple):
    """What the model wants before a text of each side, None for nothing."""

    query: str | None
    document: str | None

    @classmethod
    def of(cls, model: SentenceTransformer) -> "Prompts":
        known = model.prompts
        document = (known.get(name) for name in ("document", "passage", "corpus"))
        return cls(known.get("query") or None, next(filter(None, document), None))


class Meter:
    """The same measure of a model before and after it is trained, on texts held out from that.

    Queries are the beginnings of the held-out texts, documents the texts. What the model finds
    when it is first asked, uncut, is what `overlap@10` is counted against.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        depths: Depths,
        points: Sequence[Cut],
        held_out: Sequence[str],
        beginnings: Sequence[str],
        judged: Judged | None,
    ) -> None:
        self._model, self._depths, self._points = model, depths, points
        self._sets = [(beginnings, held_out)]
        self._judged = judged
        if judged is not None:
            self._sets.append((judged.queries, judged.documents))
        self._wanted: Places | None = None

    def states(self) -> list[tuple[States, States]]:
        """Of queries and of documents, of the held-out texts and of the judged collection."""
        prompts = Prompts.of(self._model)
        found = [
            (
                states(self._model, self._depths, queries, prompts.query),
                states(self._model, self._depths, documents, prompts.document),
            )
            for queries, documents in self._sets
        ]
        if self._wanted is None:
            self._wanted = nearest(*(side[self._depths.layers] for side in found[0]))
        return found

    def scores(self, found: list[tuple[States, States]], heads: Mapping[Cut, Head]) -> Scores:
        """Each point's scores, of the states that `states` gave."""
        assert self._wanted is not None, "states() was called"
        told: Scores = {}
        for point in self._points:
            places = [nearest(*(cut(side, point, heads) for side in pair)) for pair in found]
            told[point] = {f"overlap@{K}": overlap(places[0], self._wanted)}
            if self._judged is not None:
                told[point][f"ndcg@{K}"] = gain(places[1], self._judged.grades)
        return told


def states(
    model: SentenceTransformer, depths: Depths, texts: Sequence[str], prompt: str | None = None
) -> States:
    """The unit vectors of the texts at each depth, float32[len(texts), dim], by depth."""
    budget = _BUDGET.get(model.device.type, _BUDGET["cpu"])
    limit = model.max_seq_length or 512
    lengths = [min(limit, 2 + len(text) // _CHARACTERS_A_TOKEN) for text in texts]
    found: States = {}
    model.eval()
    with torch.inference_mode():
        for places in token_batches(lengths, budget):
            batch = model.preprocess([texts[place] for place in places.tolist()], prompt=prompt)
            for depth, made in depths(on_device(model, batch)).items():
                if depth not in found:
                    found[depth] = np.empty((len(texts), made.shape[1]), dtype=np.float32)
                found[depth][places] = made.float().cpu().numpy()
    return found


def cut(found: States, point: Cut, heads: Mapping[Cut, Head]) -> Vectors:
    """The unit vectors of a point: its head's, or the first dims where it has none."""
    layers, dim = point
    if point in heads:
        return heads[point].apply(found[layers])
    return unit(found[layers][:, :dim])


def nearest(queries: Vectors, documents: Vectors) -> Places:
    """int64[queries, K]: the places of the nearest documents, best first, equal ones by place."""
    scores = queries @ documents.T
    order: Places = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    return order


def overlap(found: Places, wanted: Places) -> float:
    """The mean share of each row of `wanted` that is in the same row of `found`."""
    common = [
        len(set(ours) & set(theirs))
        for ours, theirs in zip(found.tolist(), wanted.tolist(), strict=True)
    ]
    return sum(common) / wanted.size


def gain(found: Places, grades: Sequence[Mapping[int, int]]) -> float:
    """The mean nDCG@10 of places found for each query."""
    values = [
        ndcg([str(place) for place in row], {str(at): grade for at, grade in judged.items()}, K)
        for row, judged in zip(found.tolist(), grades, strict=True)
    ]
    return sum(values) / len(values)
