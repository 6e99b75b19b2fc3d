"""What a store must hold and answer, in dictionaries and sums: the oracle of the kit.

It shares no code with a store. Filters are asked chunk by chunk with `retrievo.filters.matches`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrievo.contracts import Batch, Space
from retrievo.filters import Filter, matches, unscoped
from retrievo.types import Chunk, MultiRows, Representation, SparseRows

Key = tuple[str | None, str]
"""Tenant, and the id of a document or a chunk."""


@dataclass(slots=True)
class Kept:
    """One chunk, whose it is, and its row of each representation.

    A dense value is float32[dim], a sparse one {index: value}, several vectors float32[n, dim].
    `lengths` are those of the sparse ones in terms.
    """

    tenant: str | None
    chunk: Chunk
    values: dict[str, Any]
    lengths: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return (self.tenant, self.chunk.id)


class Model:
    """Documents by tenant and id, in the order in which they were first written."""

    def __init__(
        self, spaces: Mapping[str, Space], capabilities: frozenset[str] = frozenset()
    ) -> None:
        self.spaces = dict(spaces)
        self.own_idf = "idf" in capabilities
        self.documents: dict[Key, list[Kept]] = {}
        self.fingerprints: dict[Key, str] = {}
        self.fitted: dict[str, float | None] = {}
        self.tenanted: bool | None = None
        self.meant: dict[int, Key] = {}
        """What each row number that was ever seen stood for."""

    def copy(self) -> "Model":
        """The contents of this moment, without what is known of row numbers."""
        made = Model(self.spaces)
        made.documents, made.fingerprints = dict(self.documents), dict(self.fingerprints)
        made.fitted, made.tenanted, made.own_idf = dict(self.fitted), self.tenanted, self.own_idf
        return made

    def write(self, batch: Batch, sources: Sequence[Kept | None] = ()) -> None:
        """`sources[i]` is what the i-th chunk takes its values from, where it reuses a row."""
        own = {name: iter(_rows(part)) for name, part in batch.representations.items()}
        taken = iter(sources or [None] * len(batch.reuse))
        new: dict[Key, list[Kept]] = {}
        for document, chunks in batch.items:
            new[(batch.tenant, document.id)] = [
                self._kept(batch.tenant, chunk, next(taken), own) for chunk in chunks
            ]
        self.documents.update(new)
        self.fingerprints.update(dict(zip(new, batch.fingerprints, strict=True)))
        for name, part in batch.representations.items():
            if isinstance(part, SparseRows) and self.fitted.get(name) is None:
                self.fitted[name] = part.fitted_mean
        if batch.items:
            self.tenanted = batch.tenant is not None

    def _kept(
        self,
        tenant: str | None,
        chunk: Chunk,
        source: Kept | None,
        own: Mapping[str, Iterator[tuple[Any, float | None]]],
    ) -> Kept:
        if source is not None:
            return Kept(tenant, chunk, dict(source.values), dict(source.lengths))
        given = {name: next(rows) for name, rows in own.items()}
        lengths = {name: length for name, (_, length) in given.items() if length is not None}
        return Kept(tenant, chunk, {name: value for name, (value, _) in given.items()}, lengths)

    def delete(self, doc_ids: Sequence[str], tenant: str | None = None) -> int:
        before = len(self.documents)
        for doc_id in doc_ids:
            self.documents.pop((tenant, doc_id), None)
            self.fingerprints.pop((tenant, doc_id), None)
        return before - len(self.documents)

    def replace(
        self, name: str, kept: Sequence[Kept], values: Representation, fitted: float | None
    ) -> None:
        for one, (value, length) in zip(kept, _rows(values), strict=True):
            one.values[name] = value
            if length is not None:
                one.lengths[name] = length
        self.fitted[name] = self.fitted.get(name) if fitted is None else fitted

    def kept(self, filters: Filter | None = None) -> list[Kept]:
        """The chunks that the filter, and the scope around it, let through."""
        tenant, inner = unscoped(filters)
        return [
            one
            for (owner, doc_id), chunks in self.documents.items()
            for one in chunks
            if (filters is None or tenant is None or owner == tenant)
            and (inner is None or matches(inner, one.chunk.metadata, doc_id))
        ]

    def by_key(self) -> dict[Key, Kept]:
        return {one.key: one for one in self.kept()}

    def frequencies(self, name: str) -> dict[int, int]:
        counts: dict[int, int] = {}
        for one in self.kept():
            for index in one.values[name]:
                counts[index] = counts.get(index, 0) + 1
        return counts

    def mean_length(self, name: str) -> float:
        lengths = [one.lengths.get(name, len(one.values[name])) for one in self.kept()]
        return math.fsum(lengths) / len(lengths) if lengths else 0.0

    def scorer(self, name: str, query: Any) -> Callable[[Kept], float | None]:
        """The score of a chunk; None where a search cannot find it at all."""
        space = self.spaces[name]
        if space.kind == "dense":
            wide = np.asarray(query, np.float64)
            return lambda one: float(wide @ one.values[name].astype(np.float64))
        if space.kind == "multi":
            many = np.asarray(query, np.float64)
            return lambda one: (
                float((many @ one.values[name].astype(np.float64).T).max(axis=1).sum())
                if len(one.values[name])
                else None
            )
        weights = dict(zip(*(part.tolist() for part in query), strict=True))
        if space.idf and self.own_idf:
            counts, n = self.frequencies(name), len(self.kept())
            weights = {
                index: weight * _idf(n, counts.get(index, 0)) for index, weight in weights.items()
            }

        def shared(one: Kept) -> float | None:
            both = one.values[name].keys() & weights.keys()
            return math.fsum(one.values[name][i] * weights[i] for i in both) if both else None

        return shared


def _idf(n: int, frequency: int) -> float:
    return math.log1p((n - frequency + 0.5) / (frequency + 0.5))


def _rows(values: Representation) -> list[tuple[Any, float | None]]:
    """Each row's value, and its length where it is sparse."""
    if isinstance(values, SparseRows):
        pairs = [values[i] for i in range(len(values))]
        lengths = np.diff(values.indptr) if values.lengths is None else values.lengths
        return [
            (dict(zip(indices.tolist(), weights.tolist(), strict=True)), float(length))
            for (indices, weights), length in zip(pairs, lengths, strict=True)
        ]
    if isinstance(values, MultiRows):
        return [(values[i].copy(), None) for i in range(len(values))]
    return [(row.copy(), None) for row in values]
