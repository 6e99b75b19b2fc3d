"""Every built-in expander does what an expander must do."""

import hashlib
import json
import threading

import pytest
from answering_server import serving
from chat_server import written

from retrievo.expand.feedback import FeedbackExpander
from retrievo.expand.keywords import KeywordsExpander
from retrievo.testing.expanders import ExpanderContract


class TestFeedback(ExpanderContract):
    @pytest.fixture
    def expander(self, index):
        return FeedbackExpander(index.store, index.encoder)


class TestFeedbackOfMetadata(ExpanderContract):
    @pytest.fixture
    def expander(self, index):
        return FeedbackExpander(index.store, index.encoder, metadata=["tags"], beta=0.0)


class TestKeywords(ExpanderContract):
    @pytest.fixture
    def expander(self, index):
        topics = {"security": ["key", "lock"], "baking": ["bread", "oven"]}
        return KeywordsExpander(topics, index.encoder, index.store, threshold=-1.0, clean=True)


class Parrot:
    """A chat service that says the same of the same query, whoever asks first."""

    def __init__(self):
        self.over = threading.Event()
        self.seen = _Bodies()

    def next(self):
        asked = self.seen.mine()["messages"][0]["content"]
        digest = hashlib.blake2b(asked.encode(), digest_size=8).hexdigest()
        return written(f"keys of the vault {digest}\nbread of the oven {digest}")


class _Bodies:
    """Requests, each kept for the thread that answers it."""

    def __init__(self):
        self._local = threading.local()

    def append(self, request):
        self._local.body = json.loads(request[3])

    def mine(self):
        return self._local.body


@pytest.fixture(scope="module")
def service():
    pytest.importorskip("httpx", reason="needs the extra 'remote'")
    with serving(Parrot()) as url:
        yield f"{url}/v1"


class TestHyde(ExpanderContract):
    @pytest.fixture
    def expander(self, index, service):
        from retrievo.expand.hyde import HydeExpander

        return HydeExpander("tiny", index.encoder, index.store, base_url=service, retries=0)


class TestMultiQuery(ExpanderContract):
    @pytest.fixture
    def expander(self, service):
        from retrievo.expand.multi_query import MultiQueryExpander

        return MultiQueryExpander("tiny", base_url=service, retries=0)
