"""What all of them are made of."""

from dataclasses import replace

from retrievo.chunk.recursive import RecursiveChunker


class Spoilt(RecursiveChunker):
    """`given` and `made` of a right chunker, for a subclass to spoil."""

    def __init__(self, chunk_size=32, chunk_overlap=8, tokenizer=None):
        super().__init__(chunk_size=chunk_size, chunk_overlap=chunk_overlap, tokenizer=tokenizer)
        self.size, self.overlap, self.tokenizer = chunk_size, chunk_overlap, tokenizer

    def chunk(self, document):
        return self.made(super().chunk(self.given(document)), document)

    def given(self, document):
        return document

    def made(self, chunks, document):
        return chunks


def moved(chunk, document, start, end):
    """The chunk with another span, and the text and id that belong to it."""
    return replace(chunk, start=start, end=end, text=document.text[start:end], id="")
