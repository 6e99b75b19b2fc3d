"""Every built-in reranker does what a reranker must do."""

import json
import re
import threading

import pytest
from answering_server import serving
from chat_server import written
from rerank_server import BASES, Rerankers
from word_vectors import WordVectors

from retrievo.rerank.diversity import DiversityReranker
from retrievo.rerank.max_sim import MaxSimReranker
from retrievo.testing.rerankers import RerankerContract


class TestDiversity(RerankerContract):
    @pytest.fixture
    def reranker(self, index):
        return DiversityReranker(index.encoder, index.store)


class TestDiversityAlone(RerankerContract):
    @pytest.fixture
    def reranker(self, index):
        return DiversityReranker(index.encoder, diversity=1)


class TestMaxSim(RerankerContract):
    @pytest.fixture
    def reranker(self):
        return MaxSimReranker(WordVectors())


class TestMaxSimInNoTime(RerankerContract):
    reads_all = False

    @pytest.fixture
    def reranker(self):
        return MaxSimReranker(WordVectors(), budget_ms=1e-6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("sentence_transformers", reason="needs the extra models")
    from tiny_cross_encoder import tiny_cross_encoder

    return tiny_cross_encoder(tmp_path_factory.mktemp("cross") / "model")


class TestCrossEncoder(RerankerContract):
    # A text has a score that depends, in its last digits, on the batch that it is read in.
    noise = 1e-5
    longest = 20_000

    @pytest.fixture
    def reranker(self, folder):
        from retrievo.rerank.cross_encoder import CrossEncoderReranker

        return CrossEncoderReranker(folder, dtype="float32")


@pytest.fixture(scope="module")
def rerankers():
    pytest.importorskip("httpx", reason="needs the extra 'remote'")
    with serving(Rerankers()) as url:
        yield url


def remote(kind, url):
    from retrievo.rerank import services

    model = {} if kind == "tei" else {"model": "tiny"}
    return getattr(services, kind)(base_url=url + BASES[kind], retries=0, **model)


class TestCohere(RerankerContract):
    @pytest.fixture
    def reranker(self, rerankers):
        return remote("cohere", rerankers)


class TestJina(RerankerContract):
    @pytest.fixture
    def reranker(self, rerankers):
        return remote("jina", rerankers)


class TestTei(RerankerContract):
    @pytest.fixture
    def reranker(self, rerankers):
        return remote("tei", rerankers)


class Judge:
    """A chat service that orders passages by the words that they share with the query."""

    def __init__(self):
        self.over, self.seen, self._local = threading.Event(), self, threading.local()

    def append(self, request):
        self._local.body = json.loads(request[3])

    def next(self):
        said = self._local.body["messages"][1]["content"]
        query = set(re.search(r"<query>\n(.*?)\n</query>", said, re.S)[1].lower().split())
        texts = re.findall(r"<passage number=\d+>\n(.*?)\n</passage>", said, re.S)
        shared = [len(query & set(text.lower().split())) for text in texts]
        order = sorted(range(len(texts)), key=lambda at: -shared[at])
        return written(" > ".join(f"[{at + 1}]" for at in order))


@pytest.fixture(scope="module")
def judge():
    pytest.importorskip("httpx", reason="needs the extra 'remote'")
    with serving(Judge()) as url:
        yield f"{url}/v1"


class TestLlm(RerankerContract):
    @pytest.fixture
    def reranker(self, judge):
        from retrievo.rerank.llm import LlmReranker

        return LlmReranker("tiny", base_url=judge, window=5, step=3, retries=0)
