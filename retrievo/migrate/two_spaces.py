"""Search while an index moves: what has moved in the new space, the rest in the old one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Encoder, Items, Retriever, Space, Store
from retrievo.filters import Filter
from retrievo.migrate.record import Scale
from retrievo.types import Candidates, Query, Representation, Rows, Scores, Vectors


class Moved(NamedTuple):
    """The rows that have moved: `new` ascending, and `old[i]` the same chunk's in the old index."""

    new: Rows
    old: Rows

    @classmethod
    def none(cls) -> "Moved":
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))


class Progressing(Protocol):
    """What knows how far a migration is."""

    @property
    def moved(self) -> Moved: ...

    def wanted(self, rows: Rows) -> None:
        """Hear of rows of the old index that a query has found: they are moved before others."""
        ...


class _Map(Protocol):
    @property
    def old(self) -> Vectors | None: ...
    def apply(self, vectors: Vectors) -> Vectors: ...
    def join(self, mapped: Vectors, old: Vectors) -> Vectors: ...


class TwoSpaces:
    """One dense branch over both indexes of a migration. Rows are those of the old index.

    A query is encoded by the new encoder, and by the old one too where the map was fitted for both.
    What has moved is scored by its new vectors; what
    has not, by the query's image in the old space and the stored vectors there, brought to the new
    space's scale by a line that was fitted on held-out texts: scores of two spaces are not
    comparable as they are. `scored_by` says of each row which space it comes from.
    """

    def __init__(
        self,
        old: Retriever,
        new_store: Store,
        old_store: Store,
        encoder: Encoder,
        space_map: _Map,
        scale: Scale,
        progress: Progressing,
        *,
        old_encoder: Encoder,
        representation: str,
        names: tuple[str, str],
    ) -> None:
        self._old, self._new_store, self._old_store = old, new_store, old_store
        self._encoder, self._map, self._scale = encoder, space_map, scale
        self._old_encoder = old_encoder
        self._progress = progress
        self._name = representation
        self._old_way, self._new_way = f"{names[0]} (mapped)", names[1]
        self.depth: int = getattr(old, "depth", 100)

    @property
    def representations(self) -> Mapping[str, Space]:
        return self._old.representations

    def represent(self, items: Items) -> Mapping[str, Representation]:
        """The old space's: what is written meanwhile goes there first."""
        return self._old.represent(items)

    def prepare(self, queries: Sequence[Query], filters: Filter | None = None) -> None:
        """Encode the queries that are not, and map them."""
        missing = [query for query in queries if self._key not in query.vectors]
        if missing:
            texts = [query.text for query in missing]
            vectors = np.asarray(self._encoder.encode_query(texts), np.float32)
            images = self._map.apply(vectors)
            if self._map.old is not None:
                images = self._map.join(images, self._old_encoder.encode_query(texts))
            for query, vector, image in zip(missing, vectors, images, strict=True):
                query.vectors[self._key], query.vectors[self._image] = vector, image

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        self.prepare(queries, filters)
        moved = self._progress.moved
        images = np.stack([query.vectors[self._image] for query in queries])
        vectors = np.stack([query.vectors[self._key] for query in queries])
        rest = [self._unmoved(image, depth, filters, moved) for image in images]
        found = [Candidates(np.empty(0, np.int64), np.empty(0, np.float32), exhaustive=True)]
        found *= len(queries)
        if len(moved.new):
            found = self._new_store.search(self._name, vectors, depth, filters)
        merged = []
        for one, other in zip(found, rest, strict=True):
            merged.append(self._merged(one, other, moved, depth))
        self._progress.wanted(np.concatenate([one.rows for one in rest]))
        return merged

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        """On the new space's scale, each row by the space it is in."""
        self.prepare(queries)
        moved = self._progress.moved
        order = np.argsort(moved.old)
        at = np.searchsorted(moved.old, rows, sorter=order)
        at = np.minimum(at, max(0, len(order) - 1))
        there = np.zeros(len(rows), bool)
        if len(order):
            there = moved.old[order[at]] == rows
        vectors = np.stack([query.vectors[self._key] for query in queries])
        images = np.stack([query.vectors[self._image] for query in queries])
        made = [np.empty(len(rows), np.float32) for _ in queries]
        if there.any():
            new_rows = moved.new[order[at[there]]]
            for one, part in zip(
                made, self._new_store.score(self._name, vectors, new_rows), strict=True
            ):
                one[there] = part
        if not there.all():
            old_rows = rows[~there]
            for one, part in zip(
                made, self._old_store.score(self._name, images, old_rows), strict=True
            ):
                one[~there] = self._scaled(part)
        return made

    def _unmoved(
        self, image: Vectors, depth: int, filters: Filter | None, moved: Moved
    ) -> Candidates:
        """The best `depth` in the old space of what has not moved."""
        total = self._old_store.count()
        left = total - len(moved.old)
        if left <= 0:
            return Candidates(np.empty(0, np.int64), np.empty(0, np.float32), exhaustive=True)
        # As many more as have moved, were they spread evenly; deeper where they are not.
        ask = min(total + 1, -(-depth * total // left))  # one more than all: so that all shows
        while True:
            [found] = self._old_store.search(self._name, image[None], ask, filters)
            stays = ~np.isin(found.rows, moved.old)
            if stays.sum() >= depth or len(found) < ask:
                kept = np.flatnonzero(stays)[:depth]
                whole = found.exhaustive or len(found) < ask
                return Candidates(
                    found.rows[kept],
                    self._scaled(found.scores[kept]),
                    exhaustive=whole and len(kept) == stays.sum(),
                )
            ask = min(total + 1, 4 * ask)

    def _scaled(self, scores: Scores) -> Scores:
        made: Scores = (self._scale.slope * scores + self._scale.offset).astype(np.float32)
        return made

    def _merged(self, found: Candidates, rest: Candidates, moved: Moved, depth: int) -> Candidates:
        places = np.minimum(np.searchsorted(moved.new, found.rows), max(0, len(moved.new) - 1))
        known: npt.NDArray[np.bool_] = np.zeros(len(found), bool)
        if len(moved.new):
            # Rows that were written this very moment are still counted to the old space.
            known = moved.new[places] == found.rows
        rows = np.concatenate([moved.old[places[known]], rest.rows])
        scores = np.concatenate([found.scores[known], rest.scores]).astype(np.float32)
        ways = [self._new_way] * int(known.sum()) + [self._old_way] * len(rest)
        order = np.lexsort((rows, -scores))[:depth]
        return Candidates(
            rows[order],
            scores[order],
            bound=1.0 if not len(order) or scores[order[0]] <= 1.001 else None,
            exhaustive=found.exhaustive and rest.exhaustive and len(order) == len(rows),
            weight=getattr(self._encoder, "dense_weight", None),
            scored_by=[ways[at] for at in order.tolist()],
        )

    @property
    def _key(self) -> str:
        return f"{self._name}.new"

    @property
    def _image(self) -> str:
        return f"{self._name}.mapped"
