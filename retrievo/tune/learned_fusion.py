"""Weights of a learned fusion, from queries of which it is known what answers them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from retrievo.errors import DatasetError
from retrievo.evaluate.datasets import Dataset
from retrievo.fuse.features import FEATURES, features_of
from retrievo.fuse.learned import LearnedWeights
from retrievo.fuse.union import Union, sound, union_of
from retrievo.search.completing import wholly_scored
from retrievo.types import Candidates, Query

if TYPE_CHECKING:
    from retrievo.pipeline import Pipeline

RIDGE = 1.0
"""Keeps weights small where few queries say little."""

AGAINST = 30
"""Rows that are not relevant, the best of each branch, that each relevant one is compared with."""

STEPS = 30


class Example(NamedTuple):
    """What each branch found for a query, and the rows that answer it."""

    branches: Mapping[str, Candidates]
    relevant: frozenset[int]


def learn_fusion(
    pipeline: "Pipeline", dataset: Dataset, path: str | Path | None = None, *, depth: int = 100
) -> LearnedWeights:
    """The weights for the pipeline's branches, written to the path where there is one.

    The collection is indexed first if need be. Chunks of a relevant document count as relevant.
    Measure the result on queries that were not used for it. Raises DatasetError where no query has
    a relevant document among what the branches find.
    """
    pipeline.index(dataset.documents())
    retrievers, store = pipeline._assembly.part("retrievers"), pipeline.store
    examples = []
    for judged in dataset.queries:
        query = Query(judged.text)
        lists = {name: one.search([query], depth)[0] for name, one in retrievers.items()}
        full = wholly_scored(lists, retrievers, query)
        good = [doc_id for doc_id, grade in judged.grades.items() if grade > 0]
        rows = store.document_rows(good)
        examples.append(Example(full, frozenset(np.concatenate(rows).tolist() if rows else ())))
    learned = fit(examples, dataset=dataset.name)
    if path is not None:
        learned.write(path)
    return learned


def fit(examples: Sequence[Example], *, dataset: str = "") -> LearnedWeights:
    """Pairwise logistic regression: the odds that the relevant row of two is the better one.

    Bradley and Terry 1952; as RankNet (Burges et al. 2005) with a linear model. Each query counts
    the same, however many pairs it has. Raises DatasetError where there are no pairs.
    """
    pairs = [_pairs(example) for example in examples]
    used = [one for one in pairs if len(one)]
    if not used:
        raise DatasetError(
            "no query has a relevant document and another one among what the branches find: "
            "there is nothing to learn a fusion from"
        )
    x = np.concatenate(used)
    weights = np.concatenate([np.full(len(one), 1 / len(one)) for one in used])
    names = list(examples[0].branches)
    w = _newton(x, weights).reshape(len(names), len(FEATURES))
    by_name = {
        name: dict(zip(FEATURES, map(float, row), strict=True))
        for name, row in zip(names, w, strict=True)
    }
    return LearnedWeights(by_name, len(used), dataset)


def _newton(
    x: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Minimises sum of weight × log(1 + exp(-x w)) + ridge: convex, and few dimensions."""
    w = np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        slope = x.T @ (weights * (p - 1)) + RIDGE * w
        curve = (x.T * (weights * p * (1 - p))) @ x + RIDGE * np.eye(len(w))
        step = np.linalg.solve(curve, slope)
        w -= step
        if np.abs(step).max() < 1e-9:
            break
    return w


def _pairs(example: Example) -> npt.NDArray[np.float64]:
    """Relevant minus other, a row of features each; none where either is missing."""
    branches = sound(example.branches)
    union = union_of(branches)
    columns = [column for one in features_of(union, branches).values() for column in one]
    x = np.stack(columns, axis=1)
    good = np.isin(union.rows, list(example.relevant))
    others = np.flatnonzero(~good & _near(union, branches))
    differences = x[good][:, None, :] - x[others][None, :, :]
    return differences.reshape(-1, x.shape[1])


def _near(union: Union, branches: Mapping[str, Candidates]) -> npt.NDArray[np.bool_]:
    near = np.zeros(len(union.rows), bool)
    for name in branches:
        near[union.places[name][:AGAINST]] = True
    return near
