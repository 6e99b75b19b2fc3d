"""Learned sparse search: a model's weights of words, in the store's inverted index."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sentence_transformers import SparseEncoder

from retrievo.contracts import Ask, Items, Space, Store
from retrievo.encode.sparse import SparseModel
from retrievo.errors import ConfigError
from retrievo.filters import Filter
from retrievo.types import Candidates, Query, Rows, Scores, SparseRows, Vectors


class SparseRetriever:
    """Chunks by the inner product of sparse vectors, which a SparseEncoder makes.

    Formal et al. 2021 (SPLADE): words that a text does not have get a weight too. With
    inference-free models a query costs a look into a table (Geng et al. 2024). `model` is a name on
    the hub, a local directory, or a SparseEncoder of sentence-transformers; `max_active_dims` keeps
    the highest values of each vector. Nothing bounds the scores: a fusion normalises them by their
    list.
    """

    def __init__(
        self,
        store: Store,
        model: str | Path | SparseEncoder,
        *,
        depth: int = 100,
        max_active_dims: int | None = None,
        representation: str = "sparse",
        device: str | None = "auto",
        batch_tokens: int | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> None:
        if depth < 1:
            raise ConfigError(f"sparse wants depth >= 1, got {depth}")
        if "sparse" not in store.capabilities:
            raise ConfigError(
                f"sparse keeps sparse vectors, and the store {type(store).__name__} keeps none: "
                "it does not declare 'sparse'"
            )
        self.depth = depth
        self._store, self._name = store, representation
        self._model = SparseModel(
            model,
            max_active_dims=max_active_dims,
            device=device,
            batch_tokens=batch_tokens,
            trust_remote_code=trust_remote_code,
            revision=revision,
            local_files_only=local_files_only,
        )

    @property
    def representations(self) -> Mapping[str, Space]:
        # The passport's encoder is another one: what made these vectors is told here.
        return {self._name: Space("sparse", settings=f"of the model {self._model.fingerprint}")}

    def represent(self, items: Items) -> Mapping[str, SparseRows]:
        texts = [chunk.indexed_text for _, chunks in items for chunk in chunks]
        return {self._name: self._model.encode(texts, "document")}

    def prepare(self, queries: Sequence[Query], filters: Filter | None = None) -> None:
        """Encode the queries that are not; float32[2, n] stays with them: indices and values."""
        missing = [query for query in queries if self._name not in query.vectors]
        if missing:
            rows = self._model.encode([query.text for query in missing], "query")
            for at, query in enumerate(missing):
                query.vectors[self._name] = _kept(*rows[at])

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        if not queries:
            return []
        asked = self.ask(queries)
        return asked.finish(self._store.search(self._name, asked.rows, depth, filters))

    def ask(self, queries: Sequence[Query]) -> Ask:
        """The queries' sparse vectors."""
        return Ask(self._name, self._rows(queries), lambda found: found)

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        return self._store.score(self._name, self._rows(queries), rows) if queries else []

    def _rows(self, queries: Sequence[Query]) -> SparseRows:
        self.prepare(queries)
        parts = [query.vectors[self._name] for query in queries]
        indptr = np.concatenate([[0], np.cumsum([part.shape[1] for part in parts])])
        both = np.concatenate(parts, axis=1)
        return SparseRows(indptr.astype(np.int64), both[0].astype(np.uint32), both[1])


def _kept(indices: np.ndarray, values: np.ndarray) -> Vectors:
    # Indices are places in a vocabulary: float32 has all whole numbers up to 2^24.
    return np.stack([indices.astype(np.float32), values.astype(np.float32)])
