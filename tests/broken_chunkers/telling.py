"""Chunks that say something wrong, are too large, or are others the next time."""

import uuid
from dataclasses import replace

from broken_chunkers.spoilt import Spoilt, moved
from retrievo.chunk.recursive import RecursiveChunker
from retrievo.encode.static_tokens import static_tokens


class JoinsTwo(Spoilt):
    """Too large, and says so."""

    def made(self, chunks, document):
        if len(chunks) < 2:
            return chunks
        one = moved(chunks[0], document, chunks[0].start, chunks[1].end)
        return [replace(one, token_count=static_tokens().count(one.text)), *chunks[2:]]


class CountsWords(Spoilt):
    def made(self, chunks, document):
        return [replace(chunk, token_count=len(chunk.text.split())) for chunk in chunks]


class CountsTheTitle(Spoilt):
    """Takes a long title out of the size, down to nothing left."""

    def chunk(self, document):
        room = self.size - static_tokens().count(document.title)
        if room >= 1:
            return super().chunk(document)
        return RecursiveChunker(chunk_size=10_000).chunk(document)


class IgnoresTheOverlap(Spoilt):
    """Repeats eight tokens, whatever was asked for."""

    def __init__(self, chunk_size=32, chunk_overlap=8, tokenizer=None):
        super().__init__(max(chunk_size, 2), min(8, max(chunk_size, 2) - 1), tokenizer)


class IgnoresTheSize(Spoilt):
    def __init__(self, chunk_size=32, chunk_overlap=8, tokenizer=None):
        super().__init__(64, chunk_overlap, tokenizer)


class WritesTheTitle(Spoilt):
    """The title before the text, as others do to embed it, with spans that fit."""

    def given(self, document):
        if not document.title:
            return document
        return replace(document, text=f"{document.title}\n\n{document.text}")


class KeepsNoMetadata(Spoilt):
    def made(self, chunks, document):
        return [replace(chunk, metadata={}) for chunk in chunks]


class NumbersInMetadata(Spoilt):
    """Writes into the dictionary of the document."""

    def made(self, chunks, document):
        document.metadata["chunks"] = len(chunks)
        return chunks


class IsOfAnotherDocument(Spoilt):
    def made(self, chunks, document):
        return [replace(chunk, doc_id="other", id="") for chunk in chunks]


class HasRandomIds(Spoilt):
    def made(self, chunks, document):
        return [replace(chunk, id=uuid.uuid4().hex) for chunk in chunks]


class NumbersItsChunks(Spoilt):
    """Ids that move when a paragraph is put before."""

    def made(self, chunks, document):
        return [replace(c, id=f"{document.id}-{n}") for n, c in enumerate(chunks)]


class NamesByText(Spoilt):
    """Equal passages of two documents have one id."""

    def made(self, chunks, document):
        return [replace(chunk, id=f"{n}-{chunk.text}") for n, chunk in enumerate(chunks)]


class Learns(Spoilt):
    """Cuts smaller after each text that it has seen."""

    seen = 0

    def chunk(self, document):
        self.seen += 1
        return RecursiveChunker(chunk_size=max(8, 32 - self.seen)).chunk(document)


class Remembers(Spoilt):
    """Cuts as the last document asked for, if that was another one."""

    last = ""
    size = 32

    def chunk(self, document):
        if document.id != self.last:
            self.size = 16 if self.last else 32
        self.last = document.id
        return RecursiveChunker(chunk_size=self.size).chunk(document)


class CountsAgain(Spoilt):
    """Hands the tokenizer all that is left of the text for every tenth chunk."""

    def made(self, chunks, document):
        if self.tokenizer is not None:
            for chunk in chunks[::10]:
                self.tokenizer.token_spans(document.text[chunk.start :])
        return chunks


class CutsLongLinesOff(Spoilt):
    """Reads at most 100,000 characters."""

    def given(self, document):
        return replace(document, text=document.text[:100_000])
