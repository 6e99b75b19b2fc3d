"""Parts of a pipeline that were handed in: how they are used, and what they cannot break."""

import asyncio
import time
from types import MappingProxyType

import numpy as np
import pytest
from pipelines import CountingEncoder, documents

from retrievo import (
    ConfigError,
    EncoderError,
    Pipeline,
    UnknownNameError,
    hookimpl,
)
from retrievo.fuse.convex import Convex
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Candidates, Query


@pytest.fixture
def pipeline():
    made = Pipeline()
    made.index(documents())
    return made


def test_a_part_by_its_name():
    encoder = Pipeline.part("encoder", use="static", truncate_dim=64)
    assert encoder.dim == 64
    with pytest.raises(UnknownNameError, match="did you mean 'static'"):
        Pipeline.part("encoder", use="statik")


class Modest:
    """A retriever that never says that it has given all there is."""

    representations = MappingProxyType({})
    depth = 5

    def represent(self, items):
        return {}

    def search(self, queries, depth, filters=None):
        rows, scores = np.array([0, 1]), np.array([0.9, 0.8], np.float32)
        return [Candidates(rows, scores) for _ in queries]


def test_a_retriever_that_never_is_exhaustive_does_not_keep_the_search_going():
    made = Pipeline(retrievers={"mine": Modest()})
    made.index(documents())
    assert len(made.search("x", per_document=True)) == 2
    assert made.explain("x", "bread").status in ("found", "no match", "beyond depth")


class Stretched(CountingEncoder):
    """Vectors twenty times too long for a cosine."""

    def _encode(self, texts):
        return 20 * super()._encode(texts)


def test_vectors_that_are_not_of_unit_length_still_rank():
    made = Pipeline(encoder=Stretched())
    made.index(documents())
    hits = made.search("rotate an API key", top_k=4)
    shares = [hit.trace["branches"]["dense"]["normalised"] for hit in hits]
    assert len(set(shares)) == 4 and max(shares) == 1 and min(shares) == 0
    for hit in hits:
        assert 0 <= hit.score <= 1


class Odd(CountingEncoder):
    def _encode(self, texts):
        return [["a"] for _ in texts]


def test_an_encoder_that_gives_no_numbers_is_told():
    with pytest.raises(EncoderError, match="Odd gave what is no array of numbers"):
        Pipeline(encoder=Odd()).index(documents())


def test_ids_that_nothing_can_have_are_not_there(pipeline):
    assert pipeline.delete("\ud800") == 0
    assert pipeline.explain("moon", "\ud800").status == "not indexed"


def test_top_k_of_any_size_and_queries_of_any_iterable(pipeline):
    assert len(pipeline.search("moon", top_k=2**70)) == 4
    assert len(pipeline.search("moon", top_k=np.int64(2))) == 2
    assert len(pipeline.search_batch(query for query in ("moon", "key"))) == 2


def test_an_index_in_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with Pipeline.open(".") as made:
        made.index(documents())
    with Pipeline.open(tmp_path / "here") as made:
        assert made.store.document_count() == 4


class SlowRetriever:
    representations = MappingProxyType({})

    def represent(self, items):
        return {}

    def search(self, queries, depth, filters=None):
        time.sleep(0.5)
        return [Candidates(*_nothing()) for _ in queries]


def _nothing():
    return np.empty(0, np.int64), np.empty(0, np.float32)


def test_async_search_does_not_block_the_loop():
    made = Pipeline(retrievers={"slow": SlowRetriever()})
    made.index(documents())
    beats = []

    async def heart():
        while True:
            beats.append(1)
            await asyncio.sleep(0.01)

    async def main():
        beating = asyncio.create_task(heart())
        found = await asyncio.gather(*(made.asearch("x") for _ in range(4)))
        beating.cancel()
        return found

    assert len(asyncio.run(main())) == 4
    # A blocked loop would have beaten once before and once after each search.
    assert len(beats) > 10


class Doubled:
    """An expander that asks twice, the second time with half the weight."""

    def expand(self, query):
        return [Query(query), Query("moon", weight=0.5)]


def test_an_expander_adds_queries():
    made = Pipeline(expander=Doubled())
    made.index(documents())
    hits = made.search("rotate key", top_k=2)
    assert [hit.doc_id for hit in hits] == ["keys", "moon"]


class Backwards:
    """A reranker that turns the list around."""

    depth = 3

    def rank(self, query, chunks, top_k):
        order = np.arange(len(chunks))[::-1]
        return Candidates(order[:top_k], np.arange(len(chunks), 0, -1, dtype=np.float32)[:top_k])


def test_a_reranker_has_the_last_word_and_its_place_in_the_trace():
    plain = Pipeline()
    plain.index(documents())
    first = [hit.chunk.id for hit in plain.search("rotate key", top_k=3)]
    made = Pipeline(reranker=Backwards())
    made.index(documents())
    hits = made.search("rotate key", top_k=2)
    assert [hit.chunk.id for hit in hits] == first[::-1][:2]
    assert hits[0].trace["rerank"] == {"rank": 1, "score": 3.0} and hits[0].score == 3.0
    assert "rerank: rank 1" in str(hits[0].explain())


def test_parts_as_objects():
    made = Pipeline(encoder=CountingEncoder(), fusion=Convex({"dense": 0.0, "bm25": 1.0}))
    made.index(documents())
    hit = made.search("rotate key")[0]
    assert hit.score == pytest.approx(hit.trace["branches"]["bm25"]["normalised"])
    with pytest.raises(ConfigError, match="no part named"):
        Pipeline(encodr=CountingEncoder())


class Listening:
    def __init__(self):
        self.heard = []

    @hookimpl
    def retrievo_stage_done(self, event):
        self.heard.append((event.stage, event.count, dict(event.detail)))


def test_a_listener_hears_of_every_step_and_of_no_other():
    listener = Listening()
    made = Pipeline(plugins=[listener], reranker=Backwards())
    made.index(documents())
    assert listener.heard == [("encode", 4, {}), ("write", 4, {})]
    listener.heard.clear()
    made.search_batch(["moon", "key"])
    assert sorted(listener.heard, key=str) == [
        ("fetch", 2, {}),
        ("fuse", 2, {}),
        ("rerank", 2, {}),
        ("retrieve", 2, {"branch": "bm25"}),
        ("retrieve", 2, {"branch": "dense"}),
    ]


class FarAway(MemoryStore):
    """Answers several searches in one request, and counts the requests."""

    capabilities = MemoryStore.capabilities | {"together"}
    requests = 0

    def search(self, *arguments):
        raise AssertionError("one request would do")

    def search_together(self, asked, filters=None):
        self.requests += 1
        return [super(FarAway, self).search(*one, filters) for one in asked]


def test_branches_of_a_store_far_away_come_in_one_request():
    far, near = FarAway(), MemoryStore()
    answers = []
    for store in (far, near):
        pipeline = Pipeline(store=store, encoder=CountingEncoder())
        pipeline.index(documents())
        answers.append(
            [
                [(hit.chunk.id, hit.score, hit.trace) for hit in hits]
                for hits in pipeline.search_batch(
                    ["rotate a key", "bread"], filters={"kind": "note"}
                )
            ]
        )
    assert answers[0] == answers[1] and far.requests == 1
