"""Searches: many queries, of one representation or of several, in one request."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from qdrant_client import models

from retrievo.contracts import Space
from retrievo.store.ordering import best_first
from retrievo.store.qdrant.conditions import having, visible
from retrievo.store.qdrant.points import STATE
from retrievo.store.qdrant.reading import payloads, pieces
from retrievo.store.qdrant.sending import Server
from retrievo.types import Candidates, MultiRows, Representation, Rows, Scores, SparseRows

QUERIES_AT_ONCE = 500

_NO_ROWS, _NO_SCORES = np.empty(0, np.int64), np.empty(0, np.float32)


class Searches:
    """How this store asks its server for the best rows."""

    def __init__(
        self,
        server: Server,
        spaces: dict[str, Space],
        *,
        approximate: bool,
        params: models.SearchParams | None,
        exact_idf: bool,
    ) -> None:
        self._server = server
        self._spaces = spaces
        self._approximate = approximate
        # None where there is no server: every search is exact, and settings mean nothing.
        self._params = params
        self._exact_idf = exact_idf

    def run(
        self,
        asked: Sequence[tuple[str, Representation, int]],
        where: models.Filter | None,
    ) -> list[list[Candidates]]:
        """For each (representation, queries, depth) what `Store.search` gives; nothing for None."""
        found: dict[tuple[int, int], Candidates] = {}
        requests: list[tuple[tuple[int, int], models.QueryRequest]] = []
        for i, (name, queries, depth) in enumerate(asked):
            for j in range(len(queries)):
                query = self._query(queries, j)
                if where is None or query is None or depth < 1:
                    found[i, j] = best_first(_NO_ROWS, _NO_SCORES, 0, exhaustive=depth > 0)
                else:
                    requests.append(((i, j), self._request(name, query, depth, where)))
        short = []
        for place, request, candidates in self._send(requests):
            found[place] = candidates
            if candidates.exhaustive and self._walks_a_graph(request):
                short.append((place, _exactly(request)))
        # A graph that is walked with a filter may end before `depth` rows are found. Where fewer
        # came back there may be no more: few match then, and to compare each costs little.
        for place, _, candidates in self._send(short):
            found[place] = candidates
        return [
            [found[i, j] for j in range(len(queries))] for i, (_, queries, _) in enumerate(asked)
        ]

    def scores(self, name: str, queries: Representation, rows: Rows) -> list[Scores]:
        """float32[len(rows)] for each query, from the vectors as they were given.

        Raises StoreError for an unknown row.
        """
        wanted = [row for row in dict.fromkeys(rows.tolist()) if row >= 0]
        where = visible(None, having(wanted))
        requests = []
        given: list[Scores] = [np.zeros(len(rows), np.float32) for _ in range(len(queries))]
        for j in range(len(queries)):
            query = self._query(queries, j)
            if query is not None and wanted:
                request = self._request(name, query, len(wanted), where)
                requests.append(((0, j), _exactly(request) if self._params else request))
        seen: set[int] = set()
        for (_, j), _, found in self._send(requests):
            known = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
            seen.update(known)
            given[j] = np.array([known.get(row, 0.0) for row in rows.tolist()], np.float32)
        # A row that no query has found shares no term with them, or is not there.
        payloads(self._server, rows[~np.isin(rows, list(seen))], [STATE])
        return given

    def probe(self, name: str, index: int, limit: int, *, vectors: bool) -> models.QueryRequest:
        """A query of one term of weight 1."""
        one = models.SparseVector(indices=[index], values=[1.0])
        request = self._request(name, one, limit, visible(None))
        return request.model_copy(update={"with_vector": [name] if vectors else False})

    def answers(self, doing: str, requests: Sequence[models.QueryRequest]) -> list[Any]:
        """The points that answer each request."""
        given: list[Any] = []
        for part in pieces(requests, QUERIES_AT_ONCE):
            answers = self._server.ask(doing, "query_batch_points", requests=part)
            given += [answer.points for answer in answers]
        return given

    def _send(
        self, requests: Sequence[tuple[tuple[int, int], models.QueryRequest]]
    ) -> list[tuple[tuple[int, int], models.QueryRequest, Candidates]]:
        given = []
        answers = self.answers("searching", [request for _, request in requests])
        for (place, request), answer in zip(requests, answers, strict=True):
            depth = request.limit or 0
            rows = np.fromiter((point.id for point in answer), np.int64, len(answer))
            scores = np.fromiter((point.score for point in answer), np.float32, len(answer))
            candidates = best_first(rows, scores, depth, exhaustive=len(rows) < depth)
            given.append((place, request, candidates))
        return given

    def _request(
        self, name: str, query: Any, depth: int, where: models.Filter
    ) -> models.QueryRequest:
        params = self._params
        if self._spaces[name].kind == "sparse":
            params = None
            if self._spaces[name].idf and self._exact_idf:
                corpus = models.IdfCorpusParams(corpus=visible(None))
                params = models.SearchParams(idf=corpus)
        return models.QueryRequest(
            query=query,
            using=name,
            filter=where,
            limit=depth,
            params=params,
            with_payload=False,
            with_vector=False,
        )

    def _walks_a_graph(self, request: models.QueryRequest) -> bool:
        if not self._approximate or self._spaces[str(request.using)].kind == "sparse":
            return False
        return request.params is None or not request.params.exact

    def _query(self, queries: Representation, j: int) -> Any:
        """The query as the client takes it; None where it can find nothing."""
        if isinstance(queries, SparseRows):
            indices, values = queries[j]
            if not len(indices):
                return None
            return models.SparseVector(indices=indices.tolist(), values=values.tolist())
        vectors = queries[j]
        if isinstance(queries, MultiRows) and not len(vectors):
            return None
        return vectors.tolist()


def _exactly(request: models.QueryRequest) -> models.QueryRequest:
    params = request.params or models.SearchParams()
    full = models.QuantizationSearchParams(ignore=True)
    exact = params.model_copy(update={"exact": True, "quantization": full})
    return request.model_copy(update={"params": exact})
