"""Three reranking services on loopback, as strict about a request as the real ones.

The score of a text is the share of its words that the query has.
"""

import json
import threading

from answering_server import Answer

ANSWERS = {"/v2/rerank": "cohere", "/jina/rerank": "jina", "/rerank": "tei"}
BASES = {"cohere": "/v2", "jina": "/jina", "tei": ""}


class Refused(Exception):
    pass


class Rerankers:
    """For `answering_server.serving`; `spoil(scores)` may change the list of (index, score)."""

    def __init__(self, *, words=10**9, items=1_000, key=None, spoil=lambda scores: scores):
        self.words, self.items, self.key, self.spoil = words, items, key, spoil
        self.over = threading.Event()
        self.seen = self
        self._mine = threading.local()
        self.bodies = []

    def append(self, request):
        self._mine.request = request

    def next(self):
        _, path, headers, data = self._mine.request
        body = json.loads(data)
        self.bodies.append(body)
        kind = ANSWERS[path]
        if self.key is not None and headers.get("Authorization") != f"Bearer {self.key}":
            return Answer(401, {"message": f"invalid api token {headers.get('Authorization')}"})
        try:
            return Answer(body=getattr(self, kind)(dict(body)))
        except Refused as error:
            said = str(error)
            told = {"cohere": {"message": said}, "jina": {"detail": said}, "tei": {"error": said}}
            return Answer({"cohere": 400, "jina": 422, "tei": 413}[kind], told[kind])

    def cohere(self, body):
        body.pop("max_tokens_per_doc", None)
        found = self._scores(body, "documents", {"model"})
        results = [{"index": i, "relevance_score": s} for i, s in found]
        return {"id": "1", "results": results, "meta": {"billed_units": {"search_units": 1}}}

    def jina(self, body):
        assert body.pop("return_documents") is False
        found = self._scores(body, "documents", {"model"})
        results = [{"index": i, "relevance_score": s} for i, s in found]
        return {"model": "m", "usage": {"total_tokens": 9}, "results": results}

    def tei(self, body):
        raw, cut = body.pop("raw_scores"), body.pop("truncate")
        assert body.pop("return_text") is False
        found = self._scores(body, "texts", set(), cut=cut)
        return [{"index": i, "score": 10 * s if raw else s} for i, s in found]

    def _scores(self, body, key, others, cut=True):
        texts, query = body.pop(key), body.pop("query")
        if set(body) != others:
            raise Refused(f"unknown fields: {sorted(body)}")
        if not texts or len(texts) > self.items or not query.strip():
            raise Refused(f"batch size {len(texts)} > maximum allowed {self.items}")
        if not all(text.strip() for text in texts):
            raise Refused("texts cannot be empty")
        if not cut and any(len(text.split()) > self.words for text in texts):
            raise Refused(f"inputs must have less than {self.words} tokens")
        wanted = set(query.lower().split())
        shares = [
            (at, len(wanted & set(text.lower().split())) / len(text.split()))
            for at, text in enumerate(texts)
        ]
        # Best first, as services do: the index says whose a score is.
        return self.spoil(sorted(shares, key=lambda one: -one[1]))
