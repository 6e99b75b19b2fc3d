"""The Qdrant Edge half of the `local` store: vectors by row, and nothing else.

Without a write-ahead log an upsert is durable once `flush` returned; the catalog commits only after
that, so the engine's own log would say everything twice (a third of the write's CPU time, and
gigabytes of sparse files). Dense vectors are float32 until a segment passes `QUANTIZE_ABOVE` rows;
`settle` then builds int8 codes that are scanned whole and rescored with the float vectors.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from retrievo.contracts import Space
from retrievo.errors import RetrievoError, StoreError
from retrievo.types import Representation, Rows, Scores, SparseRows, Vectors

QUANTIZE_ABOVE = 5_000
"""Rows: below that, a float scan costs less than .4 ms at 384 dimensions and codes gain nothing."""

OVERSAMPLING = 2.0
"""How many int8 candidates are rescored with their float vectors for each result asked for."""

_POINTS_AT_ONCE = 4096


class Engine:
    """One shard with the named vectors of the representations. Not safe for concurrent writes."""

    def __init__(self, path: Path, spaces: Mapping[str, Space], *, create: bool) -> None:
        self._path = path
        self._spaces = dict(spaces)
        self.representations = tuple(spaces)
        self.sparse = tuple(name for name, space in spaces.items() if space.kind == "sparse")
        with self._told("opened"):
            if create:
                path.mkdir(parents=True, exist_ok=True)
                self._shard = edge.EdgeShard.create(str(path), _config(spaces))
            else:
                self._shard = edge.EdgeShard.load(str(path))

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except RetrievoError:
            raise
        except Exception as error:  # the engine raises plain Exception with its own text
            text = (str(error) or type(error).__name__).splitlines()[0]
            raise StoreError(f"the vectors in {self._path} cannot be {what}: {text}") from error

    def close(self) -> None:
        self._shard.close()

    def upsert(self, rows: Rows, values: Mapping[str, Representation]) -> None:
        """Every named representation must have a row for each of `rows`."""
        for start in range(0, len(rows), _POINTS_AT_ONCE):
            stop = min(start + _POINTS_AT_ONCE, len(rows))
            columns = [(name, _vectors(part, start, stop)) for name, part in values.items()]
            points = [
                edge.Point(row, {name: column[i] for name, column in columns})
                for i, row in enumerate(rows[start:stop].tolist())
            ]
            with self._told("written"):
                self._shard.update(edge.UpdateOperation.upsert_points(points))

    def replace(self, representation: str, rows: Rows, values: Representation) -> None:
        column = _vectors(values, 0, len(rows))
        points = [
            edge.PointVectors(row, {representation: vector})
            for row, vector in zip(rows.tolist(), column, strict=True)
        ]
        if points:
            with self._told("written"):
                self._shard.update(edge.UpdateOperation.update_vectors(points))

    def delete(self, rows: Sequence[int]) -> None:
        if len(rows):
            with self._told("deleted"):
                self._shard.update(edge.UpdateOperation.delete_points(list(rows)))

    def flush(self) -> None:
        with self._told("flushed"):
            self._shard.flush()

    def settle(self) -> None:
        """Build int8 codes where a segment has grown, and drop what was deleted."""
        with self._told("compacted"):
            self._shard.optimize()
        self.flush()

    def count(self) -> int:
        return int(self._shard.count(edge.CountRequest(exact=True)))

    def search(
        self,
        representation: str,
        query: Vectors | tuple[np.ndarray, Scores],
        limit: int,
        among: edge.Filter | None = None,
    ) -> tuple[Rows, Scores]:
        vector = query.tolist() if isinstance(query, np.ndarray) else _sparse(*query)
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(vector, representation),
            filter=among,
            params=_PARAMS if isinstance(query, np.ndarray) else None,
        )
        with self._told("searched"):
            found = self._shard.query(request)
        n = len(found)
        return (
            np.fromiter((point.id for point in found), np.int64, n),
            np.fromiter((point.score for point in found), np.float32, n),
        )

    def fetch(self, representation: str, rows: Rows) -> Representation:
        """What is stored for the rows, in their order. Raises StoreError where a row is missing."""
        wanted = rows.tolist()
        records = self._shard.retrieve(wanted, with_payload=False, with_vector=[representation])
        found: dict[Any, Any] = {}
        for record in records:
            vectors: Any = record.vector
            found[record.id] = vectors[representation]
        missing = [row for row in wanted if row not in found]
        if missing:
            raise StoreError(
                f"{self._path} has no {representation} vector of row {missing[0]} "
                f"({len(missing)} missing); run `retrievo doctor --index` and index again"
            )
        if self._spaces[representation].kind == "sparse":
            return _sparse_rows([found[row] for row in wanted])
        size = self._spaces[representation].size or 0
        return np.array([found[row] for row in wanted], np.float32).reshape(len(wanted), size)


_PARAMS = edge.SearchParams(
    quantization=edge.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING)
)


def only(rows: Rows) -> edge.Filter:
    """A condition that lets only these rows through; worth keeping where it is used again."""
    return edge.Filter(must=[edge.HasIdCondition(set(rows.tolist()))])


def _config(spaces: Mapping[str, Space]) -> edge.EdgeConfig:
    dense = {
        name: edge.EdgeVectorParams(
            size=space.size or 0,
            distance=edge.Distance.Dot,
            quantization_config=edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=0.99),
            # No graph: a whole scan of int8 codes is exact enough to need no second thought.
            hnsw_config=edge.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10),
        )
        for name, space in spaces.items()
        if space.kind == "dense"
    }
    sparse = {
        name: edge.EdgeSparseVectorParams()
        for name, space in spaces.items()
        if space.kind == "sparse"
    }
    unknown = sorted(name for name, space in spaces.items() if space.kind == "multi")
    if unknown:
        raise StoreError(f"store 'local' keeps no multi-vectors yet; {unknown[0]!r} needs them")
    widest = max((space.size or 0 for space in spaces.values()), default=0)
    return edge.EdgeConfig(
        vectors=dense or None,
        sparse_vectors=sparse or None,
        optimizers=edge.EdgeOptimizersConfig(
            default_segment_number=1,
            indexing_threshold=max(1, QUANTIZE_ABOVE * max(widest, 64) * 4 // 1024),
        ),
        # Handing a search of a millisecond to other threads costs a quarter of it in CPU time, and
        # no throughput was gained with 4 callers on 2 cores.
        max_search_threads=1,
        wal_enabled=False,
    )


def _sparse(indices: np.ndarray, values: Scores) -> edge.SparseVector:
    return edge.SparseVector(indices.tolist(), values.tolist())


def _vectors(part: Representation, start: int, stop: int) -> list[Any]:
    if isinstance(part, np.ndarray):
        dense: list[Any] = part[start:stop].tolist()
        return dense
    assert isinstance(part, SparseRows)
    bounds = part.indptr[start : stop + 1].tolist()
    first = bounds[0]
    indices = part.indices[first : bounds[-1]].tolist()
    values = part.values[first : bounds[-1]].tolist()
    return [
        edge.SparseVector(indices[a - first : b - first], values[a - first : b - first])
        for a, b in itertools.pairwise(bounds)
    ]


def _sparse_rows(vectors: Sequence[edge.SparseVector]) -> SparseRows:
    sizes = [len(vector.indices) for vector in vectors]
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    indices = np.array([i for vector in vectors for i in vector.indices], np.uint32)
    values = np.array([v for vector in vectors for v in vector.values], np.float32)
    return SparseRows(indptr, indices, values)
