"""Two steps over vectors that are drawn by each text: what is owed is computed by numpy."""

from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest

from retrievo import Chunk, Document, F, Pipeline
from retrievo.errors import ConfigError, MismatchError
from retrievo.retrieve.cascade import CascadeRetriever
from retrievo.retrieve.dense import DenseRetriever
from retrievo.store.local.store import LocalStore
from retrievo.store.memory.store import MemoryStore
from retrievo.types import Query

N = 60
DOCUMENTS = [Document(f"d{i}", f"passage {i}", {"even": i % 2 == 0}) for i in range(N)]
QUESTIONS = [f"question {i}" for i in range(8)]


class DrawnEncoder:
    """A vector that the text seeds, of which the first numbers say more than the last."""

    max_tokens = None
    dense_weight = 0.7

    def __init__(self, dim=16, *, length=1.0, fingerprint="drawn"):
        self.dim, self.length, self.fingerprint = dim, length, f"{fingerprint}-{dim}-{length}"
        self.calls = 0

    def encode_document(self, texts):
        self.calls += 1
        made = [np.random.default_rng(crc32(text.encode())).normal(size=64) for text in texts]
        vectors = (np.array(made) * 0.9 ** np.arange(64))[:, : self.dim].astype(np.float32)
        return self.length * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode_query = encode_document


@pytest.fixture(params=["memory", "local", "qdrant"])
def store(request, tmp_path):
    if request.param == "qdrant":
        client = pytest.importorskip("qdrant_client", reason="needs the extra 'qdrant'")
        from retrievo.store.qdrant.store import QdrantStore

        yield QdrantStore("cascade", client=client.QdrantClient(":memory:"))
    else:
        yield MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "index")


def cascade(store, encoder=None, **arguments):
    """A pipeline of a cascade alone, its documents indexed."""
    encoder = encoder or DrawnEncoder()
    retriever = CascadeRetriever(encoder, store, **arguments)
    return Pipeline(encoder=encoder, store=store, retrievers={"cascade": retriever})


def ids(hits):
    return [hit.doc_id for hit in hits]


def owed(question, encoder, *, short=None, depth=N, top_k=10, documents=DOCUMENTS):
    """Ids and scores: the best `depth` by the short vectors, in the order of the full ones."""
    query = encoder.encode_query([question])[0]
    full = encoder.encode_document([document.text for document in documents])
    near = np.arange(len(documents))
    if short is not None:
        angles = full[:, :short] / np.linalg.norm(full[:, :short], axis=1, keepdims=True)
        near = np.argsort(-(angles @ query[:short]))[:depth]
    near = near[np.argsort(-(full[near] @ query))][:top_k]
    return [documents[i].id for i in near], full[near] @ query


def test_at_the_depth_of_the_index_it_is_the_exact_search(store):
    with cascade(store, short_dim=2, depth=N) as pipeline:
        pipeline.index(DOCUMENTS)
        for question in QUESTIONS:
            hits = pipeline.search(question)
            wanted, scores = owed(question, DrawnEncoder())
            assert ids(hits) == wanted
            assert np.allclose([hit.score for hit in hits], scores, atol=1e-5)


def test_the_best_by_the_short_vector_come_in_the_order_of_the_full_one(store):
    with cascade(store, short_dim=4, depth=12) as pipeline:
        pipeline.index(DOCUMENTS)
        for question, hits in zip(QUESTIONS, pipeline.search_batch(QUESTIONS), strict=True):
            wanted, scores = owed(question, DrawnEncoder(), short=4, depth=12)
            assert ids(hits) == wanted
            assert np.allclose([hit.score for hit in hits], scores, atol=1e-5)


def test_deeper_never_finds_fewer_of_the_exact_best():
    retriever_of = {
        depth: cascade(MemoryStore(), short_dim=3, depth=depth) for depth in (10, 25, N)
    }
    shares = []
    for pipeline in retriever_of.values():
        pipeline.index(DOCUMENTS)
        found = [set(ids(pipeline.search(question))) for question in QUESTIONS]
        exact = [set(owed(question, DrawnEncoder())[0]) for question in QUESTIONS]
        shares.append([len(a & b) for a, b in zip(found, exact, strict=True)])
    for fewer, more in pairwise(shares):
        assert all(a <= b for a, b in zip(fewer, more, strict=True))
    assert shares[-1] == [10] * len(QUESTIONS) and sum(shares[0]) < sum(shares[1])


def test_more_hits_than_depth_are_found(store):
    with cascade(store, short_dim=4, depth=5) as pipeline:
        pipeline.index(DOCUMENTS)
        hits = pipeline.search(QUESTIONS[0], top_k=20)
        wanted, _ = owed(QUESTIONS[0], DrawnEncoder(), short=4, depth=20, top_k=20)
        assert ids(hits) == wanted


def test_a_filter_is_the_first_steps(store):
    odd = [document for document in DOCUMENTS if not document.metadata["even"]]
    with cascade(store, short_dim=4, depth=12) as pipeline:
        pipeline.index(DOCUMENTS)
        for question in QUESTIONS:
            hits = pipeline.search(question, filters=F("even") == False)  # noqa: E712
            wanted, _ = owed(question, DrawnEncoder(), short=4, depth=12, documents=odd)
            assert ids(hits) == wanted
        assert not pipeline.search(QUESTIONS[0], filters=F("even") == 3)


def test_tenants_see_their_own(store):
    with cascade(store, short_dim=4, depth=N) as pipeline:
        pipeline.index(DOCUMENTS[:20], tenant="acme")
        pipeline.index(DOCUMENTS[20:], tenant="bolt")
        for tenant, documents in (("acme", DOCUMENTS[:20]), ("bolt", DOCUMENTS[20:])):
            hits = pipeline.search(QUESTIONS[0], tenant=tenant)
            assert ids(hits) == owed(QUESTIONS[0], DrawnEncoder(), documents=documents)[0]


def test_each_vector_is_kept_once_and_both_come_of_one_call(store):
    encoder = DrawnEncoder()
    with cascade(store, encoder, short_dim=4) as pipeline:
        pipeline.index(DOCUMENTS[:5])
        assert encoder.calls == 1
        kept = pipeline.store.stats().representations
        assert {name: one.vectors for name, one in kept.items()} == {"dense": 5, "dense-short": 5}
        pipeline.search(QUESTIONS[0])
        assert encoder.calls == 2
        rows = next(iter(pipeline.store.scan()))
        full = np.asarray(pipeline.store.vectors("dense", rows))
        short = np.asarray(pipeline.store.vectors("dense-short", rows))
        wanted = full[:, :4] / np.linalg.norm(full[:, :4], axis=1, keepdims=True)
        assert np.abs(short - wanted).max() < 1e-6


def test_a_prefix_is_as_long_as_the_whole():
    retriever = CascadeRetriever(DrawnEncoder(length=3.0), MemoryStore(), short_dim=4)
    made = retriever.represent([(DOCUMENTS[0], [Chunk("d0", "a", 0, 1), Chunk("d0", "b", 0, 1)])])
    assert np.allclose(np.linalg.norm(made["dense-short"], axis=1), 3, atol=1e-5)
    assert made["dense-short"].dtype == np.float32
    zero = retriever._prefix(np.zeros((1, 16), np.float32))
    assert zero.shape == (1, 4) and not zero.any()
    assert retriever.represent([])["dense-short"].shape == (0, 4)


def test_what_a_fusion_reads_is_as_of_dense():
    store = MemoryStore()
    with cascade(store, short_dim=4, depth=N) as pipeline:
        pipeline.index(DOCUMENTS)
        asked = [Query(question) for question in QUESTIONS]
        two = CascadeRetriever(DrawnEncoder(), store, short_dim=4).search(asked, N)
        one = DenseRetriever(DrawnEncoder(), store).search(asked, N)
        for mine, theirs in zip(two, one, strict=True):
            assert np.array_equal(mine.rows, theirs.rows)
            assert (mine.bound, mine.weight) == (theirs.bound, theirs.weight) == (1.0, 0.7)
            assert mine.exhaustive == theirs.exhaustive
        deeper = CascadeRetriever(DrawnEncoder(), store, short_dim=4).search(asked[:1], N + 1)
        assert deeper[0].exhaustive and len(deeper[0]) == N


def test_beside_bm25_on_any_store(store):
    encoder = DrawnEncoder()
    retrievers = {
        "cascade": CascadeRetriever(encoder, store, short_dim=4, depth=20),
        "bm25": Pipeline.part("retriever", "bm25", store=store),
    }
    with Pipeline(encoder=encoder, store=store, retrievers=retrievers) as pipeline:
        pipeline.index(DOCUMENTS)
        hits = pipeline.search("passage 7")
        assert hits[0].doc_id == "d7" and set(hits[0].trace["branches"]) == {"cascade", "bm25"}
        score = float(np.dot(*encoder.encode_query(["passage 7", "passage 7"])))
        assert hits[0].trace["branches"]["cascade"]["score"] == pytest.approx(score, abs=1e-5)


def test_two_encoders(store):
    full, short = DrawnEncoder(), DrawnEncoder(8, fingerprint="other")
    with cascade(store, full, short_encoder=short, depth=N) as pipeline:
        pipeline.index(DOCUMENTS)
        assert ids(pipeline.search(QUESTIONS[0])) == owed(QUESTIONS[0], DrawnEncoder())[0]
        assert full.calls == short.calls == 2
        spaces = pipeline.passport.representations
        assert str(spaces["dense-short"]) == "dense 8 of the encoder other-8-1.0"


def test_a_document_that_the_first_step_leaves_out_is_explained():
    with cascade(MemoryStore(), short_dim=3, depth=3) as pipeline:
        pipeline.index(DOCUMENTS)
        best = owed(QUESTIONS[0], DrawnEncoder(), top_k=N)[0]
        first = owed(QUESTIONS[0], DrawnEncoder(), short=3, depth=3)[0]
        left_out = next(doc_id for doc_id in best if doc_id not in first)
        told = pipeline.explain(QUESTIONS[0], left_out)
        branch = told.branches["cascade"]
        assert told.status == "beyond depth" and told.rank is None
        assert branch["rank"] == best.index(left_out) + 1
        assert branch["first_stage_rank"] > branch["depth"] == 3
        place = f"but rank {branch['first_stage_rank']} in its first stage"
        assert f"{place}, of which a search looks at the best 3" in str(told)
        last = pipeline.explain(QUESTIONS[0], first[2])
        assert last.status == "found" and last.rank == 3
        assert last.branches["cascade"]["rank"] == best.index(first[2]) + 1 > 3
        assert "looks at" not in str(last)


# an index in a folder

TOML = """
[retrievers.cascade]
short_dim = {short}
depth = 10
"""


@pytest.fixture
def toml(tmp_path):
    def written(text):
        path = tmp_path / "pipeline.toml"
        path.write_text(text)
        return path

    return written


def test_it_is_opened_again_as_it_was_made(tmp_path, toml):
    with Pipeline.from_toml(toml(TOML.format(short=64)), index=tmp_path / "x") as pipeline:
        pipeline.index(DOCUMENTS)
        before = pipeline.search("passage 7").__repr__(), ids(pipeline.search("passage 7"))
    with Pipeline.open(tmp_path / "x") as pipeline:
        found = pipeline.search("passage 7")
        assert (repr(found), ids(found)) == before and found[0].doc_id == "d7"
        assert str(pipeline.passport.representations["dense-short"]) == "dense 64 prefix of dense"


@pytest.mark.parametrize(
    "made_with",
    ["[retrievers.dense]\n", TOML.format(short=32)],
    ids=["no short vectors", "others"],
)
def test_an_index_without_its_short_vectors_is_refused(tmp_path, toml, made_with):
    with Pipeline.from_toml(toml(made_with), index=tmp_path / "x") as pipeline:
        pipeline.index(DOCUMENTS[:3])
    with Pipeline.from_toml(toml(TOML.format(short=64)), index=tmp_path / "x") as pipeline:
        with pytest.raises(MismatchError, match="representation dense-short"):
            pipeline.search("passage")


def test_an_index_of_another_short_encoder_is_refused(tmp_path):
    def opened(name):
        short = DrawnEncoder(8, fingerprint=name)
        return cascade(LocalStore(tmp_path / "x"), short_encoder=short)

    with opened("one") as pipeline:
        pipeline.index(DOCUMENTS[:3])
    with opened("other") as pipeline:
        with pytest.raises(MismatchError, match="of the encoder other-8"):
            pipeline.search("passage")


# arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"depth": 0}, "depth >= 1, got 0"),
        ({"short_dim": 16}, "from 1 to 15"),
        ({"short_dim": 0}, "from 1 to 15"),
        ({}, "short_dim = 64; from 1 to 15"),
        ({"short_dim": 4, "short_encoder": DrawnEncoder(4)}, "leave one of them out"),
        ({"short_dim": 4, "short_representation": "dense"}, "both are called 'dense'"),
    ],
)
def test_wrong_arguments(arguments, said):
    with pytest.raises(ConfigError, match=said):
        CascadeRetriever(DrawnEncoder(), MemoryStore(), **arguments)


def test_a_second_encoder_has_no_place_in_a_file(tmp_path, toml):
    path = toml("[retrievers.cascade]\nshort_encoder = { use = 'static' }\n")
    with pytest.raises(ConfigError, match=r"\[retrievers.cascade\] short_encoder"):
        Pipeline.from_toml(path)
