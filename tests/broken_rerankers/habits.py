"""Rerankers that trip over a text, over what was found, or over who else asks."""

import time

import numpy as np

from broken_rerankers.spoilt import Spoilt
from retrievo.errors import SearchError
from retrievo.types import Candidates


class WantsNoDepth(Spoilt):
    depth = 0


class ReadsItsDepthAlone(Spoilt):
    def rank(self, query, chunks, top_k):
        return super().rank(query, chunks[: self.depth], top_k)


class WantsRowsForPositions(Spoilt):
    """Answers the store's rows, where positions are wanted."""

    def rank_found(self, query, found, top_k):
        answer = self.rank(query.text, found.chunks, top_k)
        return Candidates(found.rows[answer.rows] + 1_000, answer.scores)


class TripsOverNothingFound(Spoilt):
    def rank_found(self, query, found, top_k):
        _ = found.scores[0]
        return super().rank_found(query, found, top_k)


class DividesBySpread(Spoilt):
    def rank_found(self, query, found, top_k):
        with np.errstate(all="ignore"):
            spread = found.scores - found.scores.min(initial=0)
            scores = (spread / np.ptp(found.scores) if len(found) else spread).astype(np.float32)
        return Candidates(np.arange(len(found)), np.sort(scores)[::-1][:top_k].copy())


class SortsWhatWasFound(Spoilt):
    def rank_found(self, query, found, top_k):
        found.scores.sort()
        return super().rank_found(query, found, top_k)


class MovesTheVector(Spoilt):
    def rank_found(self, query, found, top_k):
        for vector in query.vectors.values():
            vector[:] = 0
        return super().rank_found(query, found, top_k)


class TripsOverNoChunks(Spoilt):
    def rank(self, query, chunks, top_k):
        _ = chunks[0]
        return super().rank(query, chunks, top_k)


class TripsOverOneChunk(Spoilt):
    def rank(self, query, chunks, top_k):
        _ = chunks[1] if chunks else None
        return super().rank(query, chunks, top_k)


class TripsOverEmptyTexts(Spoilt):
    def scored(self, query, texts):
        _ = [text.split()[0] for text in texts]
        return super().scored(query, texts)


class LeavesEmptyTextsOut(Spoilt):
    def rank(self, query, chunks, top_k):
        found = super().rank(query, chunks, top_k)
        kept = [i for i, at in enumerate(found.rows.tolist()) if chunks[at].text.strip()]
        return Candidates(found.rows[kept], found.scores[kept])


class TripsOverNoQuery(Spoilt):
    def scored(self, query, texts):
        _ = query.split()[0]
        return super().scored(query, texts)


class TripsOverSurrogates(Spoilt):
    def scored(self, query, texts):
        _ = [text.encode() for text in texts]
        return super().scored(query, texts)


class TripsOverOddQueries(Spoilt):
    def scored(self, query, texts):
        query.encode()
        return super().scored(query, texts)


class RefusesOddQueries(Spoilt):
    """Right: for what must stay green."""

    def rank(self, query, chunks, top_k):
        if not query.isprintable() or not query.strip():
            raise SearchError("this query cannot be ranked for")
        return super().rank(query, chunks, top_k)


class RefusesLongTexts(Spoilt):
    def scored(self, query, texts):
        if any(len(text) > 50_000 for text in texts):
            raise ValueError("input is too long")
        return super().scored(query, texts)


class WantsNoContext(Spoilt):
    def rank(self, query, chunks, top_k):
        for chunk in chunks:
            assert chunk.indexed_text == chunk.text
        return super().rank(query, chunks, top_k)


class Counts(Spoilt):
    asked = 0

    def scored(self, query, texts):
        self.asked += 1
        return super().scored(query, texts) + np.float32(self.asked * 1e-3)

    def answer(self, rows, scores):
        return Candidates(rows, scores)


class SortsTheChunks(Spoilt):
    def rank(self, query, chunks, top_k):
        if isinstance(chunks, list):
            chunks.sort(key=lambda chunk: chunk.text)
        return super().rank(query, chunks, top_k)


class WantsAList(Spoilt):
    def rank(self, query, chunks, top_k):
        if not isinstance(chunks, list):
            chunks = [*chunks[1:], chunks[0]]
        return super().rank(query, chunks, top_k)


class HandsOutItsCache(Spoilt):
    def __init__(self):
        self.known = {}

    def rank(self, query, chunks, top_k):
        key = (query, tuple(chunk.id for chunk in chunks), top_k)
        if key not in self.known:
            self.known[key] = super().rank(query, chunks, top_k)
        return self.known[key]


class KeepsBetweenSteps(Spoilt):
    """Keeps the query on itself, where another thread puts its own."""

    def rank(self, query, chunks, top_k):
        self.kept = query
        time.sleep(0.01)
        return super().rank(self.kept, chunks, top_k)


class StopsEarly(Spoilt):
    """Right where `reads_all` is False."""

    def rank(self, query, chunks, top_k):
        return super().rank(query, chunks[:3], top_k)
