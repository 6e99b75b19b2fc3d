"""Reranking services on loopback: their formats, their answers, their failures."""

import json

import numpy as np
import pytest
from answering_server import Answer, Script, serving
from ranking_chunks import Clock, chunks_of
from rerank_server import BASES, Rerankers

pytest.importorskip("httpx", reason="needs the extra 'remote'")

from retrievo import Document, Pipeline
from retrievo.errors import ConfigError, SearchError
from retrievo.rerank import services
from retrievo.rerank.budget import Budget
from retrievo.telling import collecting
from retrievo.types import Chunk

KINDS = ("cohere", "jina", "tei")
TEXTS = ("bread is baked", "rotate a key", "keys and a key to rotate them all")
QUERY = "rotate a key"


def reranker(kind, url, **more):
    given = {"retries": 0, "backoff_s": 0.0, **more}
    if kind != "tei":
        given["model"] = "tiny"
    return getattr(services, kind)(base_url=url + BASES[kind], **given)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_go_to_their_texts(kind):
    with serving(server := Rerankers()) as url:
        ranked = reranker(kind, url).rank(QUERY, chunks_of(*TEXTS), 3)
    assert ranked.rows.tolist() == [1, 2, 0]
    np.testing.assert_allclose(ranked.scores, [1, 3 / 8, 0], atol=1e-6)
    assert set(ranked.scored_by) == {f"{kind}-rerank"}
    assert len(server.bodies) == 1


def test_the_request_is_the_services_own():
    chunk = Chunk("d", "rotate it \ud83d", 0, 11, context="Keys")
    wanted = {
        "cohere": {"model": "tiny", "query": QUERY, "documents": ["Keys\nrotate it \ufffd"]},
        "jina": {"model": "tiny", "query": QUERY, "documents": ["Keys\nrotate it \ufffd"],
                 "return_documents": False},
        "tei": {"query": QUERY, "texts": ["Keys\nrotate it \ufffd"], "raw_scores": False,
                "return_text": False, "truncate": False},
    }  # fmt: skip
    with serving(server := Rerankers()) as url:
        for kind in KINDS:
            reranker(kind, url).rank(QUERY, [chunk], 1)
            assert server.bodies[-1] == wanted[kind]
        reranker("cohere", url, max_tokens_per_doc=64).rank(QUERY, [chunk], 1)
        assert server.bodies[-1]["max_tokens_per_doc"] == 64
        [score] = reranker("tei", url, raw_scores=True).rank(QUERY, chunks_of(QUERY), 1).scores
        assert score == 10


@pytest.mark.parametrize("kind", KINDS)
def test_more_texts_than_a_request_takes_go_in_several(kind):
    texts = [QUERY] + ["x " * at + "key" for at in range(1, 7)]
    with serving(server := Rerankers(items=3)) as url:
        ranked = reranker(kind, url, batch_items=3).rank(QUERY, chunks_of(*texts), 4)
    assert ranked.rows.tolist() == [0, 1, 2, 3]
    sizes = [len(body.get("documents") or body["texts"]) for body in server.bodies]
    assert sizes == [3, 3, 1]


def test_the_budget_sends_no_request_that_would_be_late():
    clock = Clock()

    class Slow(Rerankers):
        def next(self):
            clock.passes(0.04)
            return super().next()

    with serving(server := Slow()) as url:
        service = reranker("tei", url, batch_items=2, budget_ms=100)
        service.budget = Budget(100, clock)
        ranked = service.rank("a", chunks_of(*["a b"] * 9), 9)
    assert sorted(ranked.rows.tolist()) == [0, 1, 2, 3] and len(server.bodies) == 2


def test_empty_texts_are_not_sent_and_come_last():
    with serving(server := Rerankers()) as url:
        service = reranker("cohere", url)
        ranked = service.rank(QUERY, chunks_of("", "bread", " \n", QUERY), 4)
        assert ranked.rows.tolist() == [3, 1, 0, 2]
        assert ranked.scores[2] < ranked.scores[1] == 0
        assert ranked.scored_by[2:] == ["an empty text"] * 2
        assert server.bodies[0]["documents"] == ["bread", QUERY]
        assert service.rank(QUERY, chunks_of("", ""), 2).rows.tolist() == [0, 1]
        assert len(service.rank(QUERY, [], 2)) == 0
        assert len(server.bodies) == 1
        with pytest.raises(SearchError, match="empty query"):
            service.rank(" ", chunks_of("a"), 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda scores: scores[:-1], "no score to 1 of 3 texts"),
        (lambda scores: [*scores, scores[0]], "2 scores to the text 1"),
        (lambda scores: [*scores[:-1], (3, 0.5)], "index 3; 0 to 2"),
        (lambda scores: [*scores[:-1], (-1, 0.5)], "index -1"),
        (lambda scores: [*scores[:-1], (0, float("nan"))], "no number"),
        (lambda scores: [*scores[:-1], (0, float("inf"))], "no number"),
        (lambda scores: [*scores[:-1], (0, None)], "no number"),
        (lambda scores: [*scores[:-1], (0, "0.5")], "no list of scores"),
        (lambda scores: [*scores[:-1], (0.5, 0.5)], "no list of scores"),
        (lambda scores: [], "no score to 3 of 3"),
    ],
)  # fmt: skip
def test_answers_that_are_not_those_of_the_texts(kind, spoil, said):
    with serving(Rerankers(spoil=spoil)) as url, pytest.raises(SearchError, match=said):
        reranker(kind, url).rank(QUERY, chunks_of(*TEXTS), 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, {"message": "overloaded"}), "given up after 1 tries"),
        (Answer(404, {"message": "no such model"}), r"see model and base_url in \[reranker\]"),
        (Answer(302, {}, {"Location": "http://elsewhere/"}), "redirect"),
        (Answer(body=b"<html>"), "no list of scores"),
        (Answer(body=b'{"results": [{"ind'), "no whole JSON"),
        (Answer(body={"data": []}), "no list of scores"),
        (Answer(drop=True), "cannot be reached"),
        (Answer(body=b"[" * 100_000), "no list of scores|no whole JSON"),
    ],
)  # fmt: skip
def test_a_service_that_fails_is_a_search_error(kind, answer, said):
    with serving(Script(answer)) as url, pytest.raises(SearchError, match=said):
        reranker(kind, url).rank(QUERY, chunks_of(*TEXTS), 3)


def test_what_may_go_well_the_next_time_is_sent_again():
    good = [{"index": 0, "score": 0.25}]
    with serving(script := Script(Answer(503), Answer(429), Answer(body=good))) as url:
        ranked = reranker("tei", url, retries=2).rank(QUERY, chunks_of("x"), 1)
    assert ranked.scores.tolist() == [0.25] and len(script.seen) == 3


def test_a_service_that_hangs_is_given_up():
    with (
        serving(Script(Answer(hang=30))) as url,
        pytest.raises(SearchError, match=r"within 0\.1 s"),
    ):
        reranker("tei", url, timeout_s=0.1).rank(QUERY, chunks_of("x"), 1)


def test_long_texts_that_tei_refuses_are_cut_and_told():
    with serving(server := Rerankers(words=4)) as url:
        with collecting() as told:
            ranked = reranker("tei", url).rank(QUERY, chunks_of(*TEXTS), 3)
        assert ranked.rows.tolist() == [1, 2, 0]
        assert len(told) == 1 and "less than 4 tokens" in told[0] and "truncate = true" in told[0]
        with collecting() as told:
            reranker("tei", url, truncate=True).rank(QUERY, chunks_of(*TEXTS), 3)
        assert told == [] and server.bodies[-1]["truncate"] is True
    with serving(Rerankers(items=2)) as url, pytest.raises(SearchError, match="batch size 3"):
        reranker("tei", url).rank(QUERY, chunks_of(*TEXTS), 3)


@pytest.mark.parametrize("kind", ["cohere", "jina"])
def test_a_refusal_says_what_the_service_said(kind):
    with serving(Rerankers(items=2)) as url, pytest.raises(SearchError, match="batch size 3"):
        reranker(kind, url).rank(QUERY, chunks_of(*TEXTS), 3)


def test_warnings_of_cohere_are_told():
    told_by_cohere = {"results": [{"index": 0, "relevance_score": 0.5}],
                      "meta": {"warnings": ["this model retires soon"]}}  # fmt: skip
    with serving(Script(Answer(body=told_by_cohere))) as url, collecting() as told:
        reranker("cohere", url).rank(QUERY, chunks_of("x"), 1)
    assert "this model retires soon" in told[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_sent_and_never_shown(kind, monkeypatch):
    monkeypatch.setenv("RERANK_KEY", "sesame-77")
    with serving(Rerankers(key="sesame-77")) as url:
        good = reranker(kind, url, api_key="env:RERANK_KEY")
        assert len(good.rank(QUERY, chunks_of(*TEXTS), 3)) == 3
        assert "sesame" not in repr(good)
        monkeypatch.setenv("RERANK_KEY", "wrong-88")
        with pytest.raises(SearchError, match="api key is refused") as caught:
            reranker(kind, url, api_key="env:RERANK_KEY").rank(QUERY, chunks_of(*TEXTS), 3)
        assert "wrong-88" not in str(caught.value) and caught.value.__cause__ is None
    monkeypatch.delenv("RERANK_KEY")
    with pytest.raises(ConfigError, match="RERANK_KEY"):
        reranker(kind, "http://localhost:1", api_key="env:RERANK_KEY")


def test_the_key_of_a_service_goes_to_its_own_address_alone(monkeypatch):
    monkeypatch.setenv("CO_API_KEY", "sesame-77")
    with serving(script := Script(Answer(401))) as url, pytest.raises(SearchError):
        reranker("cohere", url).rank(QUERY, chunks_of("x"), 1)
    assert "Authorization" not in script.seen[0][2]


@pytest.mark.parametrize("more", [{"depth": 0}, {"batch_items": 0}, {"budget_ms": 0},
                                  {"retries": -1}, {"timeout_s": 0.0}])  # fmt: skip
def test_arguments_are_checked(more):
    with pytest.raises(ConfigError):
        services.tei(**more)


def test_in_a_pipeline_and_without_its_service(tmp_path):
    (tmp_path / "p.toml").write_text(
        'format = 1\n[reranker]\nuse = "tei-rerank"\nbase_url = "http://URL"\nretries = 0\n'
    )
    text = (tmp_path / "p.toml").read_text()
    with serving(server := Rerankers()) as url:
        (tmp_path / "p.toml").write_text(text.replace("http://URL", url))
        pipeline = Pipeline.from_toml(tmp_path / "p.toml")
        pipeline.index(Document(str(at), text) for at, text in enumerate(TEXTS))
        hits = pipeline.search(QUERY, top_k=3)
        assert hits[0].text == QUERY and hits[0].score == 1.0 and not hits.warnings
        assert json.dumps(server.bodies)
    hits = pipeline.search(QUERY, top_k=3)
    assert len(hits) == 3 and "cannot be reached" in hits.warnings[0]
