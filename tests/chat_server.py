"""A chat service on loopback, and documents of three chunks each."""

import json
import threading
from contextlib import contextmanager

from answering_server import Answer, serving

from retrievo import Document, Pipeline
from retrievo.contextualize.blurb import BlurbContextualizer

SENTENCES = ("Keys are rotated. ", "Doors are locked. ", "Bread is baked. ")


def documents(*names):
    """Each is cut into three chunks, of a sentence each."""
    return [Document(name, "".join(SENTENCES), {}, name) for name in names]


def chunker():
    return Pipeline.part("chunker", "recursive", chunk_size=6, chunk_overlap=0)


def chunks_of(document):
    return chunker().chunk(document)


def written(text, **usage):
    return Answer(body={"choices": [{"message": {"role": "assistant", "content": text}}],
                        "usage": usage or None})  # fmt: skip


class Chat:
    """Answers each question with `word` and the passage's first word; `fail` decides otherwise.

    `fail(body)` gives an Answer to send instead, or None.
    """

    def __init__(self, word="quokka", fail=lambda body: None):
        self.word, self.fail = word, fail
        self.seen, self.over = _Seen(self), threading.Event()
        self.bodies, self.headers = [], []

    def next(self):
        body = self.bodies[-1]
        return self.fail(body) or written(
            f"{self.word} {passage(body).split()[0]}", prompt_tokens=100, completion_tokens=7
        )


class _Seen:
    def __init__(self, chat):
        self.chat = chat

    def append(self, request):
        _, path, headers, data = request
        assert path == "/v1/chat/completions"
        self.chat.headers.append(headers)
        self.chat.bodies.append(json.loads(data))


def passage(body):
    return body["messages"][1]["content"].split("<passage>\n")[1].split("\n</passage>")[0]


@contextmanager
def blurbs(chat, **more):
    """A contextualizer that asks the chat service, one request at a time."""
    with serving(chat) as url:
        settings = {"concurrency": 1, "retries": 0, "backoff_s": 0.0, "cache": "off", **more}
        contextualizer = BlurbContextualizer("tiny", base_url=f"{url}/v1", **settings)
        try:
            yield contextualizer
        finally:
            contextualizer.close()
