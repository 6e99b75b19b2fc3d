"""Every chunker that is registered, on random texts, on the collections, and on a long line."""

import os
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pipelines import CountingEncoder

from retrievo.chunk.characters import inside_character
from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.encode.static_tokens import static_tokens
from retrievo.evaluate.datasets import Dataset
from retrievo.host import Host
from retrievo.testing.chunkers import check as checked
from retrievo.tokens import without_surrogates

NAMES = sorted(Host([], block=[]).registry.names("chunkers"))
SIZE, OVERLAP = 48, 8
ALPHABET = "aaabcdeXY.,;:!?\n\n\r\t    -#é\u0301字🙂\u200d\x00。|`<>(){}\"'ש🇩🇪\u20e3ที"
WORDS = [
    "class A:\n",
    "def f(x):\n    ",
    "<p>",
    "</p>",
    "<pre>",
    "```\n",
    "# One\n",
    "## Two\n",
    "| a |",
]
# `code` tells of texts whose language it does not know; most of these are none.
pytestmark = pytest.mark.filterwarnings("ignore::retrievo.errors.RetrievoWarning")
COLLECTIONS = ("scifact", "docs_qa", "code_chunks_qa", "chunking_eval", "limit_small")
MOST = 300_000
"""Characters of a collection: the first documents, and the beginning of a longer one."""


def chunker_of(name, **given):
    extra = {"encoder": CountingEncoder(), "tokenizer": "static"} if name == "semantic" else {}
    arguments = {"chunk_size": SIZE, "chunk_overlap": OVERLAP, **extra, **given}
    return Assembly(Config.of({}), Host([], block=[])).make("chunker", name, **arguments)


def check(chunker, text):
    chunks = checked(chunker, text)
    clean = without_surrogates(text)
    for chunk in chunks:
        found = static_tokens().count(clean[chunk.start : chunk.end])
        assert found <= chunk.token_count <= max(SIZE, found)
        assert found <= SIZE or len(chunk.text) == 1, f"{found} tokens in {chunk.text!r}"
        for place in (chunk.start, chunk.end):
            # White space is dropped, and a mark on it or on a full stop is nobody's letter.
            before = clean[place - 1 : place]
            if place < len(text) and (before.isalnum() or before >= "\U0001f000"):
                whole = not inside_character(clean, place)
                assert whole or longest_character(clean, place) > SIZE, f"parted: {place}"
    for before, after in pairwise(chunks):
        again = static_tokens().count(clean[after.start : before.end])
        assert again <= OVERLAP, f"{again} tokens are in two chunks"


def longest_character(text, place):
    """The tokens of what people read as one character there."""
    start, end = place - 1, place + 1
    while start > 0 and inside_character(text, start):
        start -= 1
    while end < len(text) and inside_character(text, end):
        end += 1
    return static_tokens().count(text[start:end])


@pytest.mark.parametrize("name", NAMES)
def test_500_random_texts(name):
    draw = random.Random(11)
    chunker = chunker_of(name)
    for _ in range(500):
        pieces = draw.choices([*ALPHABET, *WORDS], k=draw.randrange(300))
        check(chunker, "".join(pieces))


def folder_of(name):
    root = Path(__file__).resolve().parents[2]
    for folder in (os.environ.get("RETRIEVO_DATA"), root.parent / "shared" / "data"):
        if folder and (Path(folder) / name / "corpus.jsonl").is_file():
            return Path(folder) / name
    pytest.skip(f"needs the collection {name}: set RETRIEVO_DATA")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_collections(collection, name):
    chunker, left = chunker_of(name), MOST
    for document in Dataset.read(folder_of(collection)).documents():
        check(chunker, document.text[:left])
        left -= len(document.text)
        if left <= 0:
            return


class Quick:
    """A token each four characters, counted without looking; sums up what it is handed."""

    tokenizer_name = "quick"

    def __init__(self):
        self.handed = 0

    def token_spans(self, text):
        self.handed += len(text)
        starts = np.arange(0, len(text), 4, dtype=np.int32)
        return np.stack([starts, np.minimum(starts + 4, len(text))], axis=1)

    def count(self, text):
        self.handed += len(text)
        return -(-len(text) // 4)


class Constant:
    """One vector for all texts."""

    dim, max_tokens, fingerprint = 2, None, "constant"

    def encode_document(self, texts):
        return np.ones((len(texts), 2), np.float32)

    encode_query = encode_document


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ten_megabytes_of_one_line(name):
    """All that is not the tokenizer's work; a megabyte with its work is in each one's contract."""
    text = "A line of sentences. It goes on and on, and has no end. " * 90_000
    text = (text + "no_spaces" * 600_000)[:10_000_000]
    tokenizer = Quick()
    extra = {"encoder": Constant()} if name == "semantic" else {}
    chunker = chunker_of(name, tokenizer=tokenizer, chunk_size=400, chunk_overlap=10, **extra)
    chunks = checked(chunker, text)
    assert max(chunk.token_count for chunk in chunks) <= 400
    assert 10_000_000 / 1_600 <= len(chunks) <= 15_000
    assert tokenizer.handed <= 6 * len(text)
