"""Every chunker that is registered, on random texts, on the collections, and on a long line."""

import os
import random
from pathlib import Path

import pytest
from pipelines import CountingEncoder

from retrievo.config import Config
from retrievo.config.assembly import Assembly
from retrievo.encode.static_tokens import static_tokens
from retrievo.evaluate.datasets import Dataset
from retrievo.host import Host
from retrievo.testing.chunkers import check as checked
from retrievo.tokens import without_surrogates
from retrievo.types import Document

NAMES = sorted(Host([], block=[]).registry.names("chunkers"))
SIZE, OVERLAP = 48, 8
ALPHABET = "aaabcdeXY.,;:!?\n\n\r\t    -#é\u0301字🙂\u200d\x00。|`<>(){}\"'ש"
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
    arguments = {"chunk_size": SIZE, "chunk_overlap": OVERLAP, **given, **extra}
    return Assembly(Config.of({}), Host([], block=[])).make("chunker", name, **arguments)


def check(chunker, text):
    for chunk in checked(chunker, text):
        found = static_tokens().count(without_surrogates(chunk.text))
        assert found <= chunk.token_count <= max(SIZE, found)
        assert found <= SIZE or len(chunk.text) <= 8, f"{found} tokens in {chunk.text!r}"


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


class Counted:
    """Tokens are words; counts the characters that it is handed."""

    def __init__(self):
        self.seen = self.longest = 0
        self.inner = static_tokens()

    def token_spans(self, text):
        self.seen += len(text)
        self.longest = max(self.longest, len(text))
        return self.inner.token_spans(text)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "semantic"])
def test_work_grows_with_the_text(name):
    """Counted in characters handed to the tokenizer, not by the clock."""
    text = "# Part\n\nSome words, and a few more. It goes on and on.\n\n" * 300
    for times in (2, 8):
        tokenizer = Counted()
        chunker_of(name, tokenizer=tokenizer, chunk_size=64).chunk(Document("d", text * times))
        assert tokenizer.longest <= 16_384
        assert tokenizer.seen <= 4 * len(text) * times


@pytest.mark.slow
def test_ten_megabytes_of_one_line():
    """The others have the same cutter; one megabyte of one line is in each one's contract."""
    line = " ".join(f"word{number} of a line, and more." for number in range(400_000))[:10_000_000]
    chunks = checked(chunker_of("windows", chunk_size=256), line)
    assert max(chunk.token_count for chunk in chunks) <= 256 and len(chunks) > 5_000
