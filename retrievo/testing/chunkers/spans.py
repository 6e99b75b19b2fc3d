"""Chunks are exact slices, in order, and hold all of a text."""

import pytest

from retrievo.contracts import Chunker
from retrievo.testing.chunkers.checking import check
from retrievo.testing.chunkers.hooks import ChunkerHooks
from retrievo.testing.chunkers.samples import random_texts
from retrievo.testing.texts import ZOO
from retrievo.types import Document


class Spans(ChunkerHooks):
    """Where chunks are, whatever the text is."""

    def test_is_a_chunker(self, chunker: Chunker) -> None:
        assert isinstance(chunker, Chunker)

    @pytest.mark.parametrize("name", ZOO)
    def test_spans_are_exact_ordered_and_complete(self, chunker: Chunker, name: str) -> None:
        check(chunker, ZOO[name])

    def test_spans_of_random_texts(self, chunker: Chunker) -> None:
        for text in random_texts():
            check(chunker, text)

    @pytest.mark.parametrize("text", ["", " \n\t "])
    def test_nothing_gives_one_empty_chunk(self, chunker: Chunker, text: str) -> None:
        chunks = chunker.chunk(Document("d", text))
        assert [(chunk.text, chunk.start, chunk.end) for chunk in chunks] == [("", 0, 0)]

    def test_a_parent_is_of_the_same_document(self, chunker: Chunker) -> None:
        text = ZOO["Markdown"] * 4
        for chunk in check(chunker, text):
            if chunk.parent is not None:
                start, end = chunk.parent
                assert 0 <= start < end <= len(text), f"the parent {chunk.parent} is no part of it"
