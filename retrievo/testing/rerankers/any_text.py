"""Empty, long and odd texts: a ranking all the same, or a SearchError, never anything else."""

from dataclasses import replace

import pytest

from retrievo.contracts import Reranker
from retrievo.testing.rerankers.checking import (
    QUERIES,
    TEXTS,
    chunks_of,
    ranked,
    ranked_or_refused,
)
from retrievo.testing.rerankers.hooks import RerankerHooks
from retrievo.testing.texts import ZOO

_EMPTY = ("", " ", " \n\t ")


class AnyText(RerankerHooks):
    """Whatever a document holds, and whatever somebody types, a search goes on."""

    def test_no_chunks(self, reranker: Reranker) -> None:
        assert len(ranked(reranker, QUERIES[0], [], 5)) == 0

    def test_one_chunk(self, reranker: Reranker) -> None:
        assert ranked(reranker, QUERIES[0], chunks_of(TEXTS[:1]), 5).rows.tolist() == [0]

    def test_empty_texts(self, reranker: Reranker) -> None:
        texts = [*_EMPTY, *TEXTS[:2]]
        found = ranked(reranker, QUERIES[0], chunks_of(texts), len(texts))
        if self.reads_all:
            assert len(found) == len(texts), "a chunk without a text is lost"
        ranked(reranker, QUERIES[0], chunks_of(_EMPTY), len(_EMPTY))

    @pytest.mark.parametrize("text", _EMPTY)
    def test_an_empty_query(self, reranker: Reranker, text: str) -> None:
        ranked_or_refused(reranker, text, chunks_of(TEXTS), len(TEXTS))

    def test_chunks_of_any_text(self, reranker: Reranker) -> None:
        found = ranked(reranker, QUERIES[0], chunks_of(list(ZOO.values())), len(ZOO))
        if self.reads_all:
            assert len(found) == len(ZOO), f"of {len(ZOO)} texts {len(ZOO) - len(found)} are lost"

    @pytest.mark.parametrize("name", ZOO)
    def test_any_query(self, reranker: Reranker, name: str) -> None:
        ranked_or_refused(reranker, ZOO[name], chunks_of(TEXTS[:3]), 3)

    def test_long_texts(self, reranker: Reranker) -> None:
        texts = ["the parrot sits by the window " * (self.longest // 30), TEXTS[0], "x" * 5_000]
        found = ranked(reranker, QUERIES[0], chunks_of(texts), len(texts))
        if self.reads_all:
            assert len(found) == len(texts), "a long chunk is lost"
        ranked_or_refused(reranker, "a parrot by a window " * 500, chunks_of(TEXTS[:2]), 2)

    def test_chunks_with_a_context(self, reranker: Reranker) -> None:
        chunks = [replace(chunk, context="Keys") for chunk in chunks_of(TEXTS[:3])]
        ranked(reranker, QUERIES[0], chunks, 3)
