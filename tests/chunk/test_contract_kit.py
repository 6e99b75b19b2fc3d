"""The kit must fail for a chunker that breaks a promise: each of these breaks one."""

import dataclasses
import uuid

import pytest

from retrievo.chunk.recursive import RecursiveChunker
from retrievo.testing.chunkers import ChunkerContract
from retrievo.testing.texts import ZOO


class Contract(ChunkerContract):
    __test__ = False
    chunk_size = 32


class Broken:
    """A right chunker with one thing done to its chunks."""

    def __init__(self, spoil):
        self.inner, self.spoil = RecursiveChunker(chunk_size=32, chunk_overlap=8), spoil

    def chunk(self, document):
        return self.spoil(self.inner.chunk(document), document)


def changed(chunks, **fields):
    return [dataclasses.replace(chunk, id="", **fields) for chunk in chunks]


def shifted(chunks, document):
    return [dataclasses.replace(c, start=c.start + 1, end=c.end + 1, id="") for c in chunks]


def merged(chunks, document):
    end = chunks[-1].end
    text = document.text[chunks[0].start : end]
    return changed(chunks[:1], end=end, text=text, token_count=0)


def random_ids(chunks, document):
    return [dataclasses.replace(chunk, id=uuid.uuid4().hex) for chunk in chunks]


def titled(chunks, document):
    text = f"{document.title} {document.text}"
    return changed(chunks[:1], text=text, end=len(text)) if document.title else chunks


SPANS, SIZE = "test_spans_are_exact_ordered_and_complete", "test_no_chunk_is_over_the_size"
SAME = "test_the_same_text_gives_the_same_chunks"


@pytest.mark.parametrize(
    ("spoil", "test", "arguments"),
    [
        (shifted, SPANS, ["Markdown"]),
        (lambda chunks, document: chunks[:-1], SPANS, ["Markdown"]),
        (lambda chunks, document: chunks[::-1], SPANS, ["Markdown"]),
        (lambda chunks, document: changed(chunks, metadata={}), SPANS, ["Markdown"]),
        (lambda chunks, document: changed(chunks, parent=(1, 2)), SPANS, ["Markdown"]),
        (shifted, "test_spans_of_random_texts", []),
        (merged, SIZE, ["Markdown"]),
        (lambda chunks, document: changed(chunks, token_count=1), SIZE, ["Markdown"]),
        (lambda chunks, document: [], "test_nothing_gives_one_empty_chunk", [""]),
        (random_ids, SAME, ["Markdown"]),
        (titled, "test_the_title_is_not_in_the_text", []),
    ],
)
def test_the_kit_sees_it(spoil, test, arguments):
    with pytest.raises(AssertionError):
        getattr(Contract(), test)(Broken(spoil), *arguments)


def test_ids_that_forget_the_document_are_seen():
    class Forgetful(RecursiveChunker):
        def chunk(self, document):
            return super().chunk(dataclasses.replace(document, id="same"))

    with pytest.raises(AssertionError):
        Contract().test_another_document_has_other_ids(Forgetful())


def test_something_else_is_no_chunker():
    with pytest.raises(AssertionError):
        Contract().test_is_a_chunker(object())


def test_a_test_of_the_kit_cannot_be_replaced():
    with pytest.raises(TypeError, match="would replace a test of the contract"):
        type("Mine", (ChunkerContract,), {SPANS: lambda self: None})


@pytest.mark.parametrize(
    "part", ["\x00", "\r\n", "\u0301", "\u200d", "\u2028", "\ud83d", "ש", "<s>"]
)
def test_the_zoo_has_what_breaks_others(part):
    assert any(part in text for text in ZOO.values())
