"""The Qdrant Edge half of the `local` store: vectors by row, and nothing else.

Without a write-ahead log an upsert is durable once `flush` returned; the catalog commits only after
that, so the engine's own log would say everything twice (a third of the write's CPU time, and
gigabytes of sparse files). What is kept at which size is said in engine_config.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from retrievo.contracts import RepresentationStats, Space
from retrievo.errors import RetrievoError, StoreError
from retrievo.store.local import engine_config, engine_points, segments
from retrievo.store.local.engine_config import Coding, Layout
from retrievo.types import Representation, Rows, Scores

UNLINKED_SHARE = 0.05
"""Share of the rows that may be outside the graph: they are scanned, and linked when they are more.

Linking few rows copies the whole segment, so a small re-index does not do it."""

DEAD_SHARE = 0.2
"""Share of deleted rows from which on the graph is made again."""

_POINTS_AT_ONCE = 4096
_QUERIES_AT_ONCE = 64


class Engine:
    """One shard with the named vectors of the representations. Not safe for concurrent writes.

    `codings` are those that dense representations get when the index is large enough.
    """

    def __init__(
        self,
        path: Path,
        spaces: Mapping[str, Space],
        *,
        create: bool = False,
        coding: Coding = "int8",
    ) -> None:
        self.path = path
        self.spaces = dict(spaces)
        self.representations = tuple(spaces)
        self.sparse = tuple(name for name, space in spaces.items() if space.kind == "sparse")
        self.dense = tuple(name for name, space in spaces.items() if space.kind == "dense")
        self.codings: dict[str, Coding] = dict.fromkeys(self.dense, coding)
        self._closed = False
        with self._told("opened"):
            if create:
                path.mkdir(parents=True, exist_ok=True)
                self.layout = Layout(False, dict.fromkeys(self.dense, "none"))
                config = engine_config.shard_config(spaces, self.layout)
                self._shard = edge.EdgeShard.create(str(path), config)
            else:
                self._shard = edge.EdgeShard.load(str(path))
                self.layout = engine_config.layout_on_disk(path)
                if engine_config.compacts_all(path):  # a process was killed in `optimize`
                    self._reload(self.layout)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except RetrievoError:
            raise
        except BaseException as error:
            # The engine raises plain Exception with its own text, and where its files are damaged
            # a panic, which is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            text = (str(error) or type(error).__name__).splitlines()[0]
            raise StoreError(f"the vectors in {self.path} cannot be {what}: {text}") from error

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._shard.close()

    # writing

    def upsert(self, rows: Rows, values: Mapping[str, Representation]) -> None:
        """Raises StoreError where a representation is missing, or lacks some of the rows."""
        for name in self.representations:
            n = len(values[name]) if name in values else 0
            if n != len(rows):
                raise StoreError(
                    f"{len(rows)} rows were given to {self.path} with {n} of {name!r}; each of "
                    f"{', '.join(self.representations)} is wanted for each row"
                )
        for start in range(0, len(rows), _POINTS_AT_ONCE):
            points = engine_points.points(rows[start : start + _POINTS_AT_ONCE], values, start)
            with self._told("written"):
                self._shard.update(edge.UpdateOperation.upsert_points(points))

    def replace(self, representation: str, rows: Rows, values: Representation) -> None:
        """Put other values in the place of those of the rows; no vectors take theirs away."""
        column = engine_points.vectors(values, 0, len(rows))
        pairs = list(zip(rows.tolist(), column, strict=True))
        points = [edge.PointVectors(row, {representation: v}) for row, v in pairs if v != []]
        without = [row for row, vector in pairs if vector == []]
        with self._told("written"):
            if points:
                self._shard.update(edge.UpdateOperation.update_vectors(points))
            if without:
                self._shard.update(edge.UpdateOperation.delete_vectors(without, [representation]))

    def delete(self, rows: Sequence[int]) -> None:
        if len(rows):
            with self._told("deleted"):
                self._shard.update(edge.UpdateOperation.delete_points(list(rows)))

    def flush(self) -> None:
        with self._told("flushed"):
            self._shard.flush()

    # keeping in form

    def is_due(self) -> bool:
        """Whether bringing codes and graph up to date pays now."""
        self.flush()  # what was deleted is in the files only then
        return not self.layout.graph or self._wanted() != self.layout or self._much_unlinked()

    def settle(self) -> None:
        """Bring codes and graph up to date."""
        wanted = self._wanted()
        if wanted != self.layout:
            self._reload(wanted)
        self._compact()

    def optimize(self) -> None:
        """Leave no row without code or link, and nothing deleted, whatever it takes."""
        wanted = self._wanted()
        try:
            self._reload(wanted, compact_all=True)
            self._compact()
        finally:
            self._reload(wanted)

    def encode(self) -> None:
        """Give all rows their codes, however few there are."""
        self._reload(Layout(self.layout.graph, dict(self.codings)), compact_all=True)
        self._compact()

    def _compact(self) -> None:
        with self._told("compacted"):
            self._shard.optimize()
        self.flush()

    def _reload(self, layout: Layout, *, compact_all: bool = False) -> None:
        """The shard takes another configuration only when it is loaded."""
        config = engine_config.shard_config(self.spaces, layout, compact_all=compact_all)
        self.flush()
        with self._told("opened again"):
            try:
                self._shard.close()
                self._shard = edge.EdgeShard.load(str(self.path), config)
            except BaseException:  # an interrupt too must not leave the index without its vectors
                self._shard = edge.EdgeShard.load(str(self.path))
                raise
        self.layout = layout

    def _wanted(self) -> Layout:
        """What the present number of rows asks for; what is there stays until half of that."""
        rows, now = self.count(), self.layout
        graph = rows > engine_config.GRAPH_ABOVE // (2 if now.graph else 1)
        is_coded = any(coding != "none" for coding in now.codings.values())
        coded = rows > engine_config.QUANTIZE_ABOVE // (2 if is_coded else 1)
        codings = {name: self.codings[name] if coded else "none" for name in self.dense}
        return Layout(graph and bool(self.dense), codings)

    def _much_unlinked(self) -> bool:
        rows = self.count()
        parts = [part for part in segments.parts(self.path, self.dense[0]) if part.graph]
        linked = sum(part.rows or 0 for part in parts)
        most = max(engine_config.QUANTIZE_ABOVE, int(rows * UNLINKED_SHARE))
        return rows - linked > most or sum(part.dead for part in parts) > rows * DEAD_SHARE

    def stats(self) -> dict[str, RepresentationStats]:
        """How each representation is kept now."""
        total = self.count()
        with self._told("counted"):
            return {
                name: segments.stats(self.path, name, space, self._with(name, space, total))
                for name, space in self.spaces.items()
            }

    def _with(self, representation: str, space: Space, total: int) -> int:
        if space.kind != "multi":
            return total
        has = edge.Filter(must=[edge.HasVectorCondition(representation)])
        return int(self._shard.count(edge.CountRequest(filter=has, exact=True)))

    def space(self, representation: str) -> Space:
        """Raises StoreError for a representation that the index does not have."""
        try:
            return self.spaces[representation]
        except KeyError:
            known = ", ".join(self.representations)
            raise StoreError(
                f"the vectors in {self.path} have no representation {representation!r}: {known}"
            ) from None

    def graph(self, representation: str) -> bool:
        """Whether a search for it walks a graph."""
        return self.layout.graph and representation in self.layout.codings

    def count(self) -> int:
        with self._told("counted"):
            return int(self._shard.count(edge.CountRequest(exact=True)))

    # searching

    def search(
        self,
        representation: str,
        queries: Sequence[Any],
        limit: int,
        among: edge.Filter | None = None,
        *,
        exact: bool = False,
        look_at: int = engine_config.LOOK_AT,
    ) -> list[tuple[Rows, Scores]]:
        """For each query the rows of the highest scores, in no particular order of equal ones.

        `exact` reads the float32 vectors of all rows, or of those of `among`; else codes and graph
        are used where there are any, `look_at` being what a search in the graph keeps at least.
        """
        params = None
        if self.space(representation).kind != "sparse":
            params = self._params(representation, limit, exact, look_at)
        requests = [
            edge.QueryRequest(
                limit=limit,
                query=edge.Query.Nearest(engine_points.query(one), representation),
                filter=among,
                params=params,
            )
            for one in queries
        ]
        found = []
        with self._told("searched"):
            if len(requests) == 1:
                found = [self._shard.query(requests[0])]
            else:
                # A set of ids is looked up once for all queries of a batch.
                for start in range(0, len(requests), _QUERIES_AT_ONCE):
                    part = requests[start : start + _QUERIES_AT_ONCE]
                    found += self._shard.query_batch(edge.QueryBatchRequest(part))
        return [
            (
                np.fromiter((point.id for point in points), np.int64, len(points)),
                np.fromiter((point.score for point in points), np.float32, len(points)),
            )
            for points in found
        ]

    def _params(
        self, representation: str, limit: int, exact: bool, look_at: int
    ) -> edge.SearchParams:
        coding = self.layout.codings.get(representation, "none")
        oversampling = engine_config.OVERSAMPLING.get(coding, engine_config.OLD_OVERSAMPLING)
        return edge.SearchParams(
            exact=exact,
            hnsw_ef=max(look_at, 2 * limit) if self.layout.graph else None,
            quantization=edge.QuantizationSearchParams(
                ignore=exact, rescore=True, oversampling=oversampling
            ),
        )

    def fetch(self, representation: str, rows: Rows) -> Representation:
        """What is stored for the rows, in their order. Raises StoreError where a row is missing."""
        wanted = rows.tolist()
        with self._told("read"):
            records = self._shard.retrieve(wanted, with_payload=False, with_vector=[representation])
        found: dict[Any, Any] = {}
        for record in records:
            vectors: Any = record.vector or {}
            found[record.id] = vectors.get(representation)
        several = self.space(representation).kind == "multi"
        missing = [r for r in wanted if r not in found or (found[r] is None and not several)]
        if missing:
            raise StoreError(
                f"{self.path} has no {representation} vector of row {missing[0]} "
                f"({len(missing)} missing); run `retrievo doctor --index` and index again"
            )
        return engine_points.representation(
            self.space(representation), [found[row] for row in wanted]
        )


def only(rows: Rows) -> edge.Filter:
    """A condition that lets only these rows through; worth keeping where it is used again."""
    return edge.Filter(must=[edge.HasIdCondition(set(rows.tolist()))])
