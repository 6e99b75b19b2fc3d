"""What a reranker is given stays as it is, and what it gives is the caller's."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from retrievo.contracts import Reranker
from retrievo.errors import RetrievoWarning
from retrievo.testing.rerankers.checking import QUERIES, TEXTS, chunks_of, ranked
from retrievo.testing.rerankers.hooks import RerankerHooks
from retrievo.types import Candidates

_THREADS = 4


class Arguments(RerankerHooks):
    """The same question has the same ranking, whoever asks, and whatever was asked before."""

    @pytest.mark.parametrize("text", QUERIES)
    def test_the_same_question_has_the_same_ranking(self, reranker: Reranker, text: str) -> None:
        first = self._copy(self._ranked(reranker, text))
        ranked(reranker, QUERIES[1], chunks_of(TEXTS[3:]), 5)
        self._check_same(first, self._ranked(reranker, text), "two calls differ")

    def test_the_chunks_given_are_left_alone(self, reranker: Reranker) -> None:
        chunks = chunks_of(TEXTS)
        before = list(chunks)
        ranked(reranker, QUERIES[0], chunks, len(chunks))
        assert chunks == before, "the list of chunks was changed"
        found = ranked(reranker, QUERIES[0], tuple(chunks), len(chunks))
        self._check_same(self._ranked(reranker, QUERIES[0]), found, "a tuple is ranked otherwise")

    def test_the_ranking_is_the_callers(self, reranker: Reranker) -> None:
        found = self._ranked(reranker, QUERIES[0])
        before = self._copy(found)
        for array in (found.rows, found.scores):
            if array.flags.writeable:
                array[:] = 0
        again = self._ranked(reranker, QUERIES[0])
        self._check_same(before, again, "who changes a ranking changes what others get")

    def test_threads_at_once_get_what_one_gets(self, reranker: Reranker) -> None:
        wanted = [self._copy(self._ranked(reranker, text)) for text in QUERIES[:_THREADS]]
        together = Barrier(_THREADS)

        def work(text: str) -> Candidates:
            together.wait()
            return reranker.rank(text, chunks_of(TEXTS), len(TEXTS))

        with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
            # Once for all of them: filters belong to the process.
            warnings.simplefilter("ignore", RetrievoWarning)
            found = list(pool.map(work, QUERIES[:_THREADS]))
        for one, other in zip(wanted, found, strict=True):
            self._check_same(one, other, "threads disturb one another")

    @staticmethod
    def _ranked(reranker: Reranker, text: str) -> Candidates:
        return ranked(reranker, text, chunks_of(TEXTS), len(TEXTS))

    @staticmethod
    def _copy(found: Candidates) -> Candidates:
        return Candidates(found.rows.copy(), found.scores.copy())

    def _check_same(self, one: Candidates, other: Candidates, what: str) -> None:
        if not self.reads_all:
            # It may stop earlier or later: those that both have read must be scored alike.
            mine = dict(zip(one.rows.tolist(), one.scores.tolist(), strict=True))
            theirs = dict(zip(other.rows.tolist(), other.scores.tolist(), strict=True))
            far = max((abs(mine[at] - theirs[at]) for at in mine.keys() & theirs), default=0.0)
            assert far <= self.noise, f"{what}: scores are {far:.1e} apart"
            return
        assert len(one) == len(other), f"{what}: {len(one)} positions and {len(other)}"
        far = float(np.abs(one.scores - other.scores).max(initial=0.0))
        assert far <= self.noise, f"{what}: scores are {far:.1e} apart"
        if not self.noise:
            assert one.rows.tolist() == other.rows.tolist(), (
                f"{what}: {one.rows.tolist()} and {other.rows.tolist()}"
            )
