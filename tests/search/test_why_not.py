"""The step that lost a document, told for documents that a test has lost in a known way."""

import random
from collections import Counter

import numpy as np
import pytest
from search.parts import Given, Raising

from retrievo import Document, F, Pipeline
from retrievo.types import Candidates, Chunk

N = 40
DEPTH, RERANK_DEPTH, TOP_K = 24, 12, 4
PACKED = 10


class Whole:
    """One chunk a document."""

    def chunk(self, document):
        text = document.text
        return [Chunk(document.id, text, 0, len(text), len(text.split()), document.metadata)]


class Numbers:
    """A query "q7" gives row r the score of a shuffle that the 7 decides; some rows have none."""

    representations = {}  # noqa: RUF012  a contract of instances
    depth = DEPTH

    def represent(self, items):
        return {}

    def order(self, query):
        rows = list(range(N))
        random.Random(query).shuffle(rows)
        return rows[: N - 6]

    def search(self, queries, depth, filters=None):
        made = []
        for query in queries:
            rows = [row for row in self.order(query.text) if filters is None or row % 3]
            scores = np.linspace(0.9, 0.1, len(rows), dtype=np.float32)
            made.append(Candidates(np.array(rows[:depth], np.int64), scores[:depth], 1.0))
        return made


class Odd:
    """A reranker that has the odd places of what it is handed first."""

    depth = RERANK_DEPTH

    def rank(self, query, chunks, top_k):
        places = [*range(1, len(chunks), 2), *range(0, len(chunks), 2)]
        scores = np.arange(len(places), 0, -1, dtype=np.float32)
        return Candidates(np.array(places), scores)


def text_of(i):
    """Documents 30-39 say what 20-29 say; each text is of ten words."""
    same = i if i < 30 else i - 10
    return " ".join(f"w{same}x{k}" for k in range(10))


def pipeline(**parts):
    made = Pipeline(chunker=Whole(), retrievers={"numbers": Numbers()}, **parts)
    made.index(Document(f"d{i}", text_of(i), {"third": i % 3}) for i in range(N))
    return made


@pytest.fixture(scope="module")
def plain():
    return pipeline()


@pytest.fixture(scope="module")
def reranking():
    return pipeline(reranker=Odd())


def true_step(query, row, kind):
    """What happens to the row, worked out from the order alone."""
    if kind == "filters" and row % 3 == 0:
        return "filtered out"
    rows = [r for r in Numbers().order(query) if kind != "filters" or r % 3]
    if row not in rows:
        return "no match"
    place = rows.index(row)
    if place >= DEPTH:
        return "beyond depth"
    if kind == "reranking":
        if place >= RERANK_DEPTH:
            return "below others after fusion"
        order = [*range(1, RERANK_DEPTH, 2), *range(0, RERANK_DEPTH, 2)]
        return "found" if order.index(place) < TOP_K else "below others after reranking"
    if kind == "duplicates":
        pool = rows[: 4 * TOP_K]
        if place >= len(pool):
            return "below others after fusion"
        kept = []
        for r in pool:
            if text_of(r) not in [text_of(k) for k in kept]:
                kept.append(r)
            elif r == row:
                return "a duplicate"
        return "found" if kept.index(row) < TOP_K else "below others after fusion"
    if kind == "budget":
        if place >= 4 * TOP_K:
            return "below others after fusion"
        # Ten words a text, budget for two of them; the packing stops at nothing else.
        return "found" if place < 2 else "over the token budget"
    return "found" if place < TOP_K else "below others after fusion"


OPTIONS = {
    "plain": {},
    "filters": {"filters": F("third") != 0},
    "reranking": {},
    "duplicates": {"drop_duplicates": 1.0},
    "budget": {"max_context_tokens": 20},
}


class TenWords:
    """Stands in for a tokenizer: a token a word."""

    def token_spans(self, text):
        return [(0, 0)] * len(text.split())


def test_two_hundred_missing_documents(plain, reranking, monkeypatch):
    monkeypatch.setattr("retrievo.search.counting._tokenizer", lambda name: TenWords())
    draw = random.Random(7)
    seen = Counter()
    while sum(n for step, n in seen.items() if step != "found") < 200:
        kind = draw.choice(list(OPTIONS))
        made = reranking if kind == "reranking" else plain
        query, row = f"q{draw.randrange(1000)}", draw.randrange(N)
        hits = made.search(query, top_k=TOP_K, **OPTIONS[kind])
        told = made.why_not(query, f"d{row}", top_k=TOP_K, **OPTIONS[kind])
        assert told.step == true_step(query, row, kind), (kind, query, row, told)
        assert (told.step == "found") == (f"d{row}" in [hit.doc_id for hit in hits])
        assert str(told) and told.as_dict()["step"] == told.step
        if told.margin is not None:
            assert told.margin >= 0
        seen[told.step] += 1
    assert {
        "filtered out",
        "no match",
        "beyond depth",
        "below others after fusion",
        "below others after reranking",
        "a duplicate",
        "over the token budget",
    } <= set(seen)


def test_rank_limit_and_margin(plain):
    rows = Numbers().order("q1")
    step = (0.9 - 0.1) / (len(rows) - 1)
    told = plain.why_not("q1", f"d{rows[6]}", top_k=TOP_K)
    assert (told.rank, told.limit) == (7, TOP_K)
    assert told.margin == pytest.approx(3 * step, abs=1e-6)
    assert told.detail["below"] == f"d{rows[TOP_K - 1]}"
    told = plain.why_not("q1", f"d{rows[DEPTH + 2]}", top_k=TOP_K)
    assert (told.rank, told.limit, told.detail["branch"]) == (DEPTH + 3, DEPTH, "numbers")
    assert told.margin == pytest.approx(3 * step, abs=1e-6)


def test_a_search_that_looks_deeper_is_told_of_with_that_depth(plain):
    rows = Numbers().order("q1")
    assert plain.why_not("q1", f"d{rows[DEPTH + 2]}", top_k=30).step == "found"


def test_the_clause_of_a_filter_that_keeps_a_document_out(plain):
    wanted = (F("third") >= 0) & (F("third") != 0) & (F("third") < 2)
    told = plain.why_not("q1", "d3", filters=wanted)
    assert told.step == "filtered out"
    assert told.detail["clause"] == str(F("third") != 0)
    both = plain.why_not("q1", "d3", filters=(F("third") == 1) | (F("third") == 2))
    assert both.detail["clause"] == str((F("third") == 1) | (F("third") == 2))


def test_what_is_not_there_and_what_nobody_asked(plain):
    assert plain.why_not("q1", "nowhere").step == "not indexed"
    assert plain.why_not("q1", "\ud800").step == "not indexed"
    assert plain.why_not(" ", "d1").step == "empty query"
    with pytest.raises(TypeError):
        plain.why_not(7, "d1")


def test_a_document_of_another_tenant_is_not_indexed():
    made = Pipeline()
    made.index([Document("mine", "moon")], tenant="a")
    made.index([Document("theirs", "moon")], tenant="b")
    assert made.why_not("moon", "theirs", tenant="a").step == "not indexed"
    assert made.why_not("moon", "mine", tenant="a").step == "found"


def test_branches_that_did_not_answer_are_named():
    made = Pipeline(
        retrievers={"bad": Raising(ConnectionError("refused")), "good": Given([0], [1.0])}
    )
    made.index([Document("a", "one"), Document("b", "two")])
    told = made.why_not("x", "b")
    assert told.step == "no match"
    assert "refused" in told.failed["bad"] and "bad did not answer" in str(told)


def test_of_several_chunks_the_best_one_counts():
    made = Pipeline()
    made.index(
        [Document("long", "moon " + "stone " * 900 + "river"), Document("b", "river")],
    )
    assert made.why_not("river", "long", top_k=1, per_document=True).step in (
        "below others after fusion",
        "found",
    )


class Reads:
    """An encoder that reads four words of a text: a vector of which words there are."""

    dim, max_tokens, fingerprint, on_truncate = 64, 4, "reads-4", "warn"
    special_tokens = 0

    def token_spans(self, text):
        spans, at = [], 0
        for word in text.split():
            at = text.index(word, at)
            spans.append((at, at + len(word)))
            at += len(word)
        return np.array(spans, np.int32).reshape(-1, 2)

    def encode_query(self, texts):
        return self._encode(texts)

    def encode_document(self, texts):
        from retrievo.truncation import record

        for text in texts:
            if len(text.split()) > 4:
                record(text, len(text.split()), 4)
        return self._encode(texts)

    def _encode(self, texts):
        vectors = np.zeros((len(texts), 64), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.split()[:4]:
                vector[sum(word.encode()) % 64] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(norms > 0, norms, 1)


def test_what_stands_in_a_tail_that_no_vector_holds():
    encoder, store = Reads(), Pipeline.part("store", "memory")
    dense = Pipeline.part("retriever", "dense", encoder=encoder, store=store)
    made = Pipeline(chunker=Whole(), encoder=encoder, store=store, retrievers={"dense": dense})
    made.index(
        [Document("cut", "aa bb cc dd needle"), Document("far", "kk ll mm nn oo pp")]
        + [Document(f"n{i}", f"needle {'x' * i} yy{i}") for i in range(1, 6)]
    )
    told = made.why_not("needle", "cut", top_k=3)
    assert told.step == "truncated tail"
    assert (told.detail["tokens_seen"], told.detail["tokens_total"]) == (4, 5)
    assert told.detail["rank_of_the_unread_tail"] == 1
    assert made.why_not("needle", "far", top_k=3).step == "below others after fusion"
