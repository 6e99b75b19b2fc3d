"""Searches that wait do so side by side, and end when nobody waits for them any more."""

import asyncio
import threading
import time

import pytest
from pipelines import CountingEncoder, documents
from search.parts import Given, Sleeping

from retrievo import Pipeline, SearchTimeoutError


def pipeline(**parts):
    made = Pipeline(encoder=CountingEncoder(), **parts)
    made.index(documents())
    return made


class Together(Given):
    """Answers only when `n` searches are inside at once: one after another they would hang."""

    def __init__(self, n):
        super().__init__([0], [0.5])
        self.barrier = threading.Barrier(n)

    def search(self, queries, depth, filters=None):
        self.barrier.wait(20)
        return super().search(queries, depth, filters)


def test_branches_and_searches_are_inside_their_parts_at_the_same_time():
    both = Together(8)
    made = pipeline(retrievers={"a": both, "b": both})

    async def four():
        return await asyncio.gather(*(made.asearch("x", strict=True) for _ in range(4)))

    assert [len(hits) for hits in asyncio.run(four())] == [1] * 4


def test_asearch_gives_what_search_gives():
    made = pipeline()
    hits = asyncio.run(made.asearch("rotate an API key", top_k=3))
    plain = made.search("rotate an API key", top_k=3)
    assert [(h.chunk.id, h.score) for h in hits] == [(h.chunk.id, h.score) for h in plain]


class Native(Given):
    """Has the async twin, and remembers the loop that it ran in."""

    def __init__(self):
        super().__init__([1], [0.5])
        self.loop = None

    async def asearch(self, queries, depth, filters=None):
        self.loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        return Given.search(self, queries, depth, filters)

    def search(self, queries, depth, filters=None):
        raise AssertionError("the twin is there")


def test_a_part_with_an_async_twin_is_awaited_in_the_callers_loop():
    native = Native()
    made = pipeline(retrievers={"native": native})

    async def main():
        return asyncio.get_running_loop(), await made.asearch("x", strict=True)

    loop, hits = asyncio.run(main())
    assert native.loop is loop and len(hits) == 1


def test_a_cancelled_search_cancels_what_it_awaits_and_begins_nothing_more():
    seen = []

    class Slow(Given):
        async def asearch(self, queries, depth, filters=None):
            seen.append("begun")
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

    class Reranker:
        def rank(self, query, chunks, top_k):
            seen.append("reranked")

    made = pipeline(retrievers={"slow": Slow([0], [1.0])}, reranker=Reranker())

    async def main():
        task = asyncio.create_task(made.asearch("x"))
        while not seen:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(1000):
            if len(seen) == 2:
                break
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert seen == ["begun", "cancelled"]


def test_a_late_branch_is_dropped_in_asearch_too():
    made = pipeline(retrievers={"late": Sleeping([0], [1.0], 5), "good": Given([2], [0.9])})
    hits = asyncio.run(made.asearch("x", timeout_s=0.2))
    assert len(hits) == 1 and "late has not answered" in hits.warnings[0]


def test_a_late_coroutine_is_cancelled():
    ended = []

    class Late(Given):
        async def asearch(self, queries, depth, filters=None):
            try:
                await asyncio.sleep(30)
            finally:
                ended.append(True)

    made = pipeline(retrievers={"late": Late([], [])})

    async def main():
        with pytest.raises(SearchTimeoutError):
            await made.asearch("x", timeout_s=0.1)
        for _ in range(1000):
            if ended:
                return
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert ended


def test_an_expander_that_is_late_leaves_half_of_the_time_to_the_plain_query():
    class Expander:
        def expand(self, query):
            time.sleep(3)

    made = pipeline(expander=Expander())
    hits = made.search("x", timeout_s=0.6)
    assert len(hits) == 4 and "the query is searched for as it is" in hits.warnings[0]


def test_an_encoder_that_hangs_leaves_time_to_the_branch_that_needs_none():
    class Hanging(CountingEncoder):
        def encode_query(self, texts):
            time.sleep(3)

    made = Pipeline(encoder=Hanging())
    made.index(documents())
    hits = made.search("moon", timeout_s=0.6)
    assert hits[0].doc_id == "moon" and "dense failed, and bm25 answered" in hits.warnings[0]


def test_what_others_found_is_still_scored_where_one_branch_hangs():
    known = {0: 0.9, 1: 0.8}
    retrievers = {
        "late": Sleeping([0], [1.0], 3),
        "a": Given([0], [0.9], known=known),
        "b": Given([1], [0.9], known=known),
    }
    hits = pipeline(retrievers=retrievers).search("x", timeout_s=0.6)
    assert [warning.split()[0] for warning in hits.warnings] == ["late"]
    assert all(hit.trace["branches"]["a"]["score"] is not None for hit in hits)


def test_a_batch_whose_time_is_up_begins_nothing_more():
    seen = []

    class Slow:
        def rank(self, query, chunks, top_k):
            seen.append(query)
            time.sleep(0.5)

    made = pipeline(reranker=Slow())
    found = made.search_batch([f"moon {i}" for i in range(20)], timeout_s=0.4)
    assert all(hits and "the reranker failed" in " ".join(hits.warnings) for hits in found)
    assert len(seen) < 5
