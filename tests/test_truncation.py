"""What was cut is recorded for whoever collects, and told where nobody does."""

import pickle
import threading

import numpy as np
import pytest
from pipelines import documents
from shortsighted import ShortSighted

from retrievo import Document, Pipeline, RetrievoWarning
from retrievo.retrieve.dense import DenseRetriever
from retrievo.search import Searcher
from retrievo.truncation import Truncation, record, recording, worst_by_text
from retrievo.types import Chunk, Query

LONG = "one two three four five six seven"


def test_whoever_collects_gets_plain_ints():
    with recording() as entries:
        assert record("text", np.int32(7), np.int64(3)) is True
    assert entries == [("text", 7, 3)] and entries[0].tokens_lost == 4
    assert [type(n) for n in entries[0][1:]] == [int, int]


def test_without_a_collector_record_says_that_nobody_listens():
    with recording():
        pass
    assert record("text", 7, 3) is False


def test_the_inner_of_two_collectors_gets_it():
    with recording() as outer:
        with recording() as inner:
            record("a", 2, 1)
        record("b", 2, 1)
    assert ([entry.text for entry in outer], [entry.text for entry in inner]) == (["b"], ["a"])


def test_threads_record_for_themselves():
    heard = {}

    def work(name):
        with recording() as mine:
            barrier.wait()
            record(name, 2, 1)
            barrier.wait()
        heard[name] = [entry.text for entry in mine]

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {f"t{i}": [f"t{i}"] for i in range(4)}


def test_of_one_text_the_encoder_counts_that_lost_most_of_it():
    entries = [Truncation("a", 9, 5), Truncation("b", 3, 1), Truncation("a", 12, 4)]
    assert worst_by_text(entries) == {"a": ("a", 12, 4), "b": ("b", 3, 1)}


def test_a_chunk_tells_its_tokens_with_and_without_an_account():
    plain = Chunk("d", "text", 0, 4, token_count=3)
    assert (plain.truncated, plain.tokens_total, plain.tokens_seen) == (None, 3, 3)
    cut = Chunk("d", "text", 0, 4, token_count=3, truncated=(2, 5))
    assert (cut.tokens_total, cut.tokens_seen, cut.token_count) == (5, 2, 3)
    assert cut.id == plain.id and pickle.loads(pickle.dumps(cut)) == cut


def test_a_query_that_is_cut_is_told_with_both_numbers_and_only_to_its_own_hits():
    pipeline = Pipeline(encoder=ShortSighted(5))
    pipeline.index(documents())
    short, long = pipeline.search_batch(["keys", LONG])
    assert short.warnings == []
    assert [text for text in long.warnings if "7 tokens, its vector holds 5" in text]
    assert len([text for text in long.warnings if "tokens" in text]) == 1


def test_a_query_with_half_a_character_is_told_as_well():
    class Cleaning(ShortSighted):
        def encode_query(self, texts):
            return super().encode_query([text.replace("\ud83d", "\ufffd") for text in texts])

    pipeline = Pipeline(encoder=Cleaning(5))
    pipeline.index(documents())
    told = pipeline.search(f"{LONG} \ud83d").warnings
    assert any("7 tokens, its vector holds 5" in text for text in told)


def test_each_query_that_an_expander_made_is_told():
    class Twice:
        def expand(self, query):
            return [Query(query), Query(f"{query} eight")]

    pipeline = Pipeline(encoder=ShortSighted(5), expander=Twice())
    pipeline.index(documents())
    told = " ".join(pipeline.search(LONG).warnings)
    assert "7 tokens" in told and "8 tokens" in told


def test_a_retriever_that_encodes_late_is_told_by_the_encoder():
    class Late:
        def __init__(self, encoder, store):
            self._held = DenseRetriever(encoder, store)
            self.representations = self._held.representations
            self.represent, self.search = self._held.represent, self._held.search

    with Pipeline(encoder=ShortSighted(5)) as made:
        made.index([Document("d", "one two")])
        late = {"dense": Late(ShortSighted(5), made.store)}
        searcher = Searcher(made.store, late, None, None, None)
        with pytest.warns(RetrievoWarning, match="1 of 1 texts were cut"):
            searcher.search([LONG], 3, None)


def test_outside_a_pipeline_it_is_a_warning():
    with pytest.warns(RetrievoWarning, match="1 of 2 texts were cut"):
        ShortSighted(5).encode_query(["short", LONG])
