"""MaxSim over vectors that each word draws: what is owed is computed by numpy."""

import numpy as np
import pytest
from word_vectors import WordVectors

from retrievo import Document, F, Pipeline
from retrievo.errors import ConfigError, EncoderError
from retrievo.retrieve.late_interaction import LateInteractionRetriever
from retrievo.retrieve.token_pooling import pooled
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Chunk, MultiRows, Query

WORDS = "key vault token moon bread oven flour river glacier parrot engine salt water".split()
DRAW = np.random.default_rng(3)
DOCUMENTS = [
    Document(f"d{i}", " ".join(DRAW.choice(WORDS, size=int(DRAW.integers(2, 9)))), {"even": i % 2})
    for i in range(40)
]
QUESTIONS = ["moon river", "a key of the vault", "bread", "flour salt water oven bread"]


@pytest.fixture(params=["memory", "local", "qdrant"])
def store(request, tmp_path):
    if request.param == "qdrant":
        client = pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")
        from retrievo.store.qdrant.store import QdrantStore

        yield QdrantStore("tokens", client=client.QdrantClient(":memory:"))
    else:
        yield MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")


def pipeline(store, encoder=None, **arguments):
    encoder = encoder or WordVectors()
    retriever = LateInteractionRetriever(encoder, store, **arguments)
    made = Pipeline(encoder=encoder, store=store, retrievers={"late": retriever})
    made.index([*DOCUMENTS, Document("empty", "")])
    return made, retriever


def owed(question, *, factor=1, documents=DOCUMENTS):
    """Scores by id, best first."""
    encoder = WordVectors()
    [query] = [encoder.encode_tokens([question], query=True).vectors]
    rows = pooled(encoder.encode_tokens([d.text for d in documents], query=False), factor)
    scores = [float((query @ rows[i].T).max(axis=1).sum()) for i in range(len(documents))]
    return dict(sorted(((d.id, s) for d, s in zip(documents, scores, strict=True)),
                       key=lambda pair: -pair[1]))  # fmt: skip


def found(retriever, store, question, depth=100, filters=None):
    [one] = retriever.search([Query(question)], depth, filters)
    chunks = store.get(one.rows)
    return dict(zip([c.doc_id for c in chunks], one.scores.tolist(), strict=True)), one


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("first_stage", ["exact", "muvera"])
def test_it_is_max_sim(store, first_stage, factor):
    made, retriever = pipeline(store, first_stage=first_stage, pool_factor=factor)
    with made:
        for question in QUESTIONS:
            wanted = owed(question, factor=factor)
            scores, one = found(retriever, store, question)
            assert scores == pytest.approx(wanted, abs=1e-4)
            assert (np.diff(one.scores) <= 0).all() and one.exhaustive
            assert one.bound == len(question.split()) >= one.scores.max()
            [again] = retriever.score([Query(question)], one.rows)
            assert np.allclose(again, one.scores, atol=1e-5)


def test_a_filter_holds_in_both_stages(store):
    made, retriever = pipeline(store, first_stage="muvera", depth=5)
    with made:
        scores, one = found(retriever, store, "moon river", 5, F("even") == 1)
        wanted = owed("moon river", documents=[d for d in DOCUMENTS if d.metadata["even"] == 1])
        assert len(one) == 5 and scores.keys() < wanted.keys()
        assert all(scores[name] == pytest.approx(wanted[name], abs=1e-4) for name in scores)
        [first] = retriever.first_stage([Query("moon river")], 5, F("even") == 1)
        assert set(first.rows.tolist()) == set(one.rows.tolist())


def test_a_tenant_sees_its_own(store):
    encoder = WordVectors()
    retriever = LateInteractionRetriever(encoder, store, first_stage="muvera")
    with Pipeline(encoder=encoder, store=store, retrievers={"late": retriever}) as made:
        made.index([Document("mine", "moon river")], tenant="a")
        made.index([Document("theirs", "moon river")], tenant="b")
        assert [hit.doc_id for hit in made.search("moon", tenant="a")] == ["mine"]


def test_a_query_of_no_token_finds_nothing(store):
    made, retriever = pipeline(store)
    with made:
        for question in ["", " ?!"]:
            [one] = retriever.search([Query(question)], 10)
            assert not len(one) and one.exhaustive and one.bound == 0
        nothing, some = retriever.search([Query(""), Query("moon")], 10)
        assert not len(nothing) and len(some) == 10
    assert retriever.search([], 10) == []


def test_the_passport_tells_what_was_stored(store):
    dim = WordVectors().dim
    plain = LateInteractionRetriever(WordVectors(), store)
    assert {k: str(v) for k, v in plain.representations.items()} == {"tokens": f"multi {dim}"}
    other = LateInteractionRetriever(
        WordVectors(), store, pool_factor=3, first_stage="muvera", bits=2, projection=4
    )
    assert {k: str(v) for k, v in other.representations.items()} == {
        "tokens": f"multi {dim} pooled 3",
        "tokens-fde": "dense 320 muvera 20 x 2 bits x 4, seed 42 of tokens",
    }
    assert not hasattr(plain, "first_stage") and plain.depth == 100 and other.depth == 200


def test_token_scores_say_where_and_add_up(store):
    made, retriever = pipeline(store)
    with made:
        chunk = Chunk("d", "the moon over a river", 0, 21)
        query = Query("moon river")
        moon, river = retriever.token_scores(query, chunk)
        assert (moon.token, moon.query_span, moon.spans) == ("moon", (0, 4), [(4, 8)])
        assert (river.token, river.query_span, river.spans) == ("river", (5, 10), [(16, 21)])
        assert moon.score == pytest.approx(1) and river.score == pytest.approx(1)
        [one] = retriever.search([query], 100)
        for chunk, score in zip(store.get(one.rows), one.scores.tolist(), strict=True):
            parts = retriever.token_scores(query, chunk)
            assert sum(part.score for part in parts) == pytest.approx(score, abs=1e-5)


def test_a_match_in_the_context_has_no_span_in_the_text():
    retriever = LateInteractionRetriever(WordVectors(), MemoryStore())
    chunk = Chunk("d", "the river", 0, 9, context="About the moon")
    moon, river = retriever.token_scores(Query("moon river"), chunk)
    assert moon.spans == [] and moon.score == pytest.approx(1)
    assert [chunk.text[a:b] for a, b in river.spans] == ["river"]


def test_of_pooled_tokens_all_are_matched():
    retriever = LateInteractionRetriever(WordVectors(), MemoryStore(), pool_factor=2)
    chunk = Chunk("d", "moon moon key key", 0, 17)
    [moon] = retriever.token_scores(Query("moon"), chunk)
    assert moon.spans == [(0, 4), (5, 9)] and moon.score == pytest.approx(1)


class NoTokens:
    dim, max_tokens, fingerprint = 4, None, "none"

    def encode_document(self, texts):
        return np.zeros((len(texts), 4), np.float32)

    encode_query = encode_document


def test_wrong_arguments():
    store = MemoryStore()
    for message, arguments in {
        "one of": {"first_stage": "fast"},
        "pool_factor >= 1": {"pool_factor": 0},
        "depth >= 1": {"depth": 0},
        "7 dimensions": {"query_encoder": WordVectors(7)},
        "no encode_tokens": {"query_encoder": NoTokens()},
    }.items():
        with pytest.raises(ConfigError, match=message):
            LateInteractionRetriever(WordVectors(), store, **arguments)
    store = MemoryStore()
    store.capabilities = frozenset({"dense"})
    with pytest.raises(ConfigError, match="does not declare 'multi'"):
        LateInteractionRetriever(WordVectors(), store)


@pytest.mark.parametrize("wrong", ["nan", "narrow", "few"])
def test_what_an_encoder_must_not_give(wrong):
    encoder = WordVectors()
    right = encoder.encode_tokens

    def spoilt(texts, *, query):
        rows = right(texts, query=query)
        vectors = rows.vectors.copy()
        if wrong == "nan":
            vectors[-1] = np.nan
        return MultiRows(
            rows.indptr[:-1] if wrong == "few" else rows.indptr,
            vectors[:, :5] if wrong == "narrow" else vectors,
        )

    encoder.encode_tokens = spoilt
    retriever = LateInteractionRetriever(encoder, MemoryStore())
    with pytest.raises(EncoderError, match="encode_tokens of WordVectors gave"):
        retriever.prepare([Query("moon"), Query("moon river")])
