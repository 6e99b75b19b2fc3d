"""What a search hands over: its query, its candidates with their scores, and how many."""

from copy import deepcopy

import numpy as np

from retrievo.contracts import Reranker
from retrievo.testing.rerankers.checking import (
    QUERIES,
    TEXTS,
    SampleIndex,
    chunks_of,
    ranked,
    ranked_found,
)
from retrievo.testing.rerankers.hooks import RerankerHooks
from retrievo.types import Found, Query

_MOST = 150
"""Chunks that are tried at once, whatever the depth is."""


class WhatWasFound(RerankerHooks):
    """A search hands over `depth` candidates, or more where more are to come back."""

    def test_depth_is_a_number_of_chunks(self, reranker: Reranker) -> None:
        depth = getattr(reranker, "depth", 1)
        whole = isinstance(depth, int) and not isinstance(depth, bool)
        assert whole and depth >= 1, f"depth is {depth!r}; a whole number from 1 is wanted"

    def test_more_chunks_than_depth(self, reranker: Reranker) -> None:
        n = min(_MOST, int(getattr(reranker, "depth", 50)) + 5)
        texts = [f"{TEXTS[at % len(TEXTS)]} Number {at}." for at in range(n)]
        found = ranked(reranker, QUERIES[0], chunks_of(texts), n)
        if self.reads_all:
            assert len(found) == n, f"of {n} chunks {n - len(found)} are lost"

    def test_what_a_search_found(self, reranker: Reranker, index: SampleIndex) -> None:
        for text in QUERIES:
            found = index.found(text)
            answer = ranked_found(reranker, Query(text), found, len(found))
            assert len(answer), "nothing was ranked: one batch is always read"
            if self.reads_all:
                assert len(answer) == len(found), f"{len(found) - len(answer)} chunks are lost"

    def test_a_search_that_found_nothing(self, reranker: Reranker) -> None:
        nothing = Found([], np.empty(0, np.int64), np.empty(0, np.float32))
        assert len(ranked_found(reranker, Query(QUERIES[0]), nothing, 5)) == 0

    def test_scores_that_are_all_equal(self, reranker: Reranker, index: SampleIndex) -> None:
        found = index.found(QUERIES[0])
        same = Found(found.chunks, found.rows, np.full(len(found), 0.25, np.float32))
        ranked_found(reranker, Query(QUERIES[0]), same, len(same))

    def test_what_was_found_is_left_alone(self, reranker: Reranker, index: SampleIndex) -> None:
        [vector] = index.encoder.encode_query([QUERIES[0]])
        query, found = Query(QUERIES[0], 0.5, {"dense": vector}), index.found(QUERIES[0])
        before = deepcopy((query, found))
        ranked_found(reranker, query, found, len(found))
        assert query.text == before[0].text and query.weight == before[0].weight
        assert np.array_equal(query.vectors["dense"], before[0].vectors["dense"]), (
            "the query's vector was changed"
        )
        assert np.array_equal(found.rows, before[1].rows), "the rows that were found were changed"
        assert np.array_equal(found.scores, before[1].scores), "the search's scores were changed"
        assert list(found.chunks) == list(before[1].chunks), "the chunks were changed"
