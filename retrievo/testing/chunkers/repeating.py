"""The same text gives the same chunks, whose ids follow from what they are."""

import pytest

from retrievo.contracts import Chunker
from retrievo.testing.chunkers.hooks import ChunkerHooks
from retrievo.testing.texts import ZOO
from retrievo.types import Document, content_hash


class Repeating(ChunkerHooks):
    """What an index relies on when a document comes again."""

    @pytest.mark.parametrize("name", ["Windows lines", "Markdown", "code", "joined emoji"])
    def test_the_same_text_gives_the_same_chunks(self, chunker: Chunker, name: str) -> None:
        document = Document("d", ZOO[name], {"year": 2020}, "A title")
        first, second = chunker.chunk(document), chunker.chunk(document)
        assert first == second
        for chunk in first:
            made = content_hash("d", f"{chunk.start}:{chunk.end}", chunk.text)
            assert chunk.id == made, "ids follow from document id, span and text"

    def test_another_document_has_other_ids(self, chunker: Chunker) -> None:
        text = ZOO["Markdown"]
        here = {chunk.id for chunk in chunker.chunk(Document("a", text))}
        there = {chunk.id for chunk in chunker.chunk(Document("b", text))}
        assert not here & there, "a chunk of one document has the id of another's"

    def test_other_texts_between_change_nothing(self, chunker: Chunker) -> None:
        document = Document("d", ZOO["Markdown"])
        first = chunker.chunk(document)
        for name in ("code", "a table", "no spaces, Chinese"):
            chunker.chunk(Document(name, ZOO[name]))
        assert chunker.chunk(document) == first, "what was cut before has an influence"
