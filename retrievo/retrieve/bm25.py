"""Lexical search: BM25 weights as sparse vectors in the store, idf in the query."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

from retrievo.contracts import Ask, Items, Space, Store
from retrievo.errors import ConfigError
from retrievo.filters import Filter
from retrievo.retrieve.analysis import Analysis
from retrievo.retrieve.term_matches import term_matches
from retrievo.retrieve.terms import Code, Terms
from retrievo.types import Candidates, Chunk, Query, Rows, Scores, SparseRows, TokenScore

REFIT_ABOVE = 0.05
"""Weights are written with the mean length as it was; beyond this relative drift they are redone.
Five percent of the mean length move a weight by at most .7 percent (k1 1.2, b .75)."""


class Bm25Retriever:
    """BM25 as Lucene computes it, without the constant factor k1 + 1.

    weight(t, d) = tf / (tf + k1 (1 - b + b length / mean length)), stored;
    idf(t) = ln(1 + (n - df + .5) / (df + .5)), from the counts as they are when the query comes.
    Robertson and Zaragoza 2009; Lucene's BM25Similarity. Scores lie between 0 and the sum of the
    query terms' idf, which is each query's `bound`. A query's `terms` count as its words do, each
    times its weight.

    `language` is a Snowball language or "none", or "metadata:KEY" where each document says its own:
    one of `languages`, by its name or its two letters ("de", "de-AT"). What says another or none is
    read as the first of them, which is told; queries are read in all of them. `code` "on" has names
    such as `getUser`, `get_user` and `os.path` found by their parts as well; "auto" does so in
    texts that look like code. `stop_words` are English ones for English, none for others.
    """

    def __init__(
        self,
        store: Store,
        *,
        depth: int = 100,
        language: str = "english",
        languages: Sequence[str] | None = None,
        stop_words: Sequence[str] | None = None,
        code: Code = "off",
        k1: float = 1.2,
        b: float = 0.75,
        representation: str = "bm25",
    ) -> None:
        if not 0 <= k1 <= 1000 or not 0 <= b <= 1 or depth < 1:
            raise ConfigError(
                f"bm25 wants 0 <= k1 <= 1000, 0 <= b <= 1 and depth >= 1; got k1 = {k1}, b = {b}, "
                f"depth = {depth}"
            )
        self.depth = depth
        self._store = store
        self._analysis = Analysis(language, languages, stop_words, code)
        self._k1, self._b = k1, b
        self._settings = f"{self._analysis.settings}, k1 {k1:g}, b {b:g}"
        self._name = representation
        self._asked = f"{representation}: words"

    @property
    def _terms(self) -> Terms:
        """Those of the one language, or of the first."""
        return self._analysis.terms[0]

    @property
    def representations(self) -> Mapping[str, Space]:
        return {self._name: Space("sparse", settings=self._settings, idf=True)}

    def represent(self, items: Items) -> Mapping[str, SparseRows]:
        fitted = self._store.statistics(self._name).fitted_mean
        chunks = [chunk for _, chunks in items for chunk in chunks]
        self._analysis.tell_unknown(chunks)
        return {self._name: self._weigh(chunks, fitted or None)}

    def _weigh(self, chunks: Iterable[Chunk], mean: float | None) -> SparseRows:
        counts = [Counter(self._analysis.indices(chunk)) for chunk in chunks]
        sizes = np.fromiter((len(count) for count in counts), np.int64, len(counts))
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        total = int(indptr[-1])
        indices = np.fromiter(chain.from_iterable(counts), np.uint32, total)
        tf = np.fromiter(chain.from_iterable(c.values() for c in counts), np.float32, total)
        lengths = np.fromiter((c.total() for c in counts), np.float32, len(counts))
        if mean is None:
            mean = float(lengths.mean(dtype=float)) if len(lengths) else 0.0
        norm = 1 - self._b + self._b * lengths / (mean or 1.0)
        values = tf / (tf + np.float32(self._k1) * np.repeat(norm, sizes))
        return SparseRows(indptr, indices, values.astype(np.float32), lengths, mean)

    def search(
        self, queries: Sequence[Query], depth: int, filters: Filter | None = None
    ) -> list[Candidates]:
        asked = self.ask(queries)
        return asked.finish(self._store.search(self._name, asked.rows, depth, filters))

    def ask(self, queries: Sequence[Query]) -> Ask:
        """The queries' weighted terms, and how candidates get their bound."""
        rows, bounds = self._query_rows(queries)
        for i, query in enumerate(queries):
            # float64 holds both a 32-bit index and a float32; for `score`, which may follow.
            query.vectors[self._asked] = np.stack(rows[i], dtype=np.float64)

        def finish(found: list[Candidates]) -> list[Candidates]:
            return [
                Candidates(c.rows, c.scores, bound, c.exhaustive)
                for c, bound in zip(found, bounds, strict=True)
            ]

        return Ask(self._name, rows, finish)

    def score(self, queries: Sequence[Query], rows: Rows) -> list[Scores]:
        """As the search of the same queries has weighed their words, where there was one."""
        asked = [query.vectors.get(self._asked) for query in queries]
        if any(part is None for part in asked):
            return self._store.score(self._name, self._query_rows(queries)[0], rows)
        parts = [part for part in asked if part is not None]
        indptr = np.cumsum([0, *(part.shape[1] for part in parts)])
        both = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        given = SparseRows(indptr, both[0].astype(np.uint32), both[1].astype(np.float32))
        return self._store.score(self._name, given, rows)

    def _query_rows(self, queries: Sequence[Query]) -> tuple[SparseRows, list[float]]:
        """Idf times the term's count in the query, and the highest score that each can reach."""
        counts = [self._analysis.weights(query) for query in queries]
        sizes = [len(count) for count in counts]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        total = int(indptr[-1])
        indices = np.fromiter(chain.from_iterable(counts), np.uint32, total)
        times = np.fromiter(chain.from_iterable(c.values() for c in counts), np.float64, total)
        weights = self._idf(indices) * times
        bounds = [float(weights[a:b].sum()) for a, b in pairwise(indptr)]
        known = weights > 0
        kept = np.concatenate([[0], np.cumsum(known)])[indptr].astype(np.int64)
        # A store that multiplies with the idf itself wants the counts alone.
        values = (times if "idf" in self._store.capabilities else weights)[known].astype(np.float32)
        return SparseRows(kept, indices[known], values), bounds

    def _idf(self, indices: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
        df = self._store.frequencies(self._name, indices)
        n = self._store.statistics(self._name).n
        # A term that the collection lacks can match nothing: it must not raise the bound.
        made: npt.NDArray[np.float64] = np.where(df > 0, np.log1p((n - df + 0.5) / (df + 0.5)), 0.0)
        return made

    def token_scores(self, query: Query, chunk: Chunk) -> list[TokenScore]:
        """What each word of the query gave, and where it is in the chunk, which is weighed anew."""
        fitted = self._store.statistics(self._name).fitted_mean
        indices, values = self._weigh([chunk], fitted or None)[0]
        weights = dict(zip(indices.tolist(), (values * self._idf(indices)).tolist(), strict=True))
        return term_matches(self._analysis, query, chunk, weights)

    def settle(self, store: Store) -> bool:
        """Redo all weights where the mean length has drifted; True where that was done.

        Weights come from the stored texts, not from the old weights: a run that is killed here
        leaves some rows with the new mean, and the next one starts over, even if the mean length
        is by then what it was: until all is redone, the fitted mean is 0.
        """
        now = store.statistics(self._name)
        if not now.n or now.fitted_mean is None:
            return False
        if abs(now.mean_length - now.fitted_mean) <= REFIT_ABOVE * now.fitted_mean:
            return False
        store.replace(self._name, np.empty(0, np.int64), self._weigh([], 1.0), 0.0)
        for rows in store.scan():
            store.replace(self._name, rows, self._weigh(store.get(rows), now.mean_length), None)
        store.replace(self._name, np.empty(0, np.int64), self._weigh([], 1.0), now.mean_length)
        return True
