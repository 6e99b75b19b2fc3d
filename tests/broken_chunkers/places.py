"""Chunks that are in the wrong place."""

from dataclasses import replace
from itertools import pairwise

from broken_chunkers.spoilt import Spoilt, moved


class IsOffByOne(Spoilt):
    def made(self, chunks, document):
        return [replace(c, start=c.start + 1, end=c.end + 1, id="") for c in chunks]


class CountsBytes(Spoilt):
    """Offsets of the text as UTF-8, as tokenizers written in other languages give them."""

    def made(self, chunks, document):
        def place(at):
            return len(document.text[:at].encode("utf-8", "surrogatepass"))

        return [replace(c, start=place(c.start), end=place(c.end), id="") for c in chunks]


class SearchesItsText(Spoilt):
    """Finds where a chunk is by its text: the first place, where it comes twice."""

    def made(self, chunks, document):
        starts = [document.text.find(chunk.text) for chunk in chunks]
        return [
            moved(chunk, document, start, start + len(chunk.text))
            for chunk, start in zip(chunks, starts, strict=True)
        ]


class NormalizesLines(Spoilt):
    def made(self, chunks, document):
        return [replace(c, text=c.text.replace("\r\n", "\n"), id="") for c in chunks]


class LosesTheRest(Spoilt):
    def made(self, chunks, document):
        return chunks[:-1] or chunks


class LosesOneCharacter(Spoilt):
    """The last one of what is repeated by nobody."""

    def made(self, chunks, document):
        last = chunks[-1]
        if last.end - last.start < 2:
            return chunks
        return [*chunks[:-1], moved(last, document, last.start, last.end - 1)]


class IsUnordered(Spoilt):
    def made(self, chunks, document):
        return chunks[::-1]


class RepeatsAll(Spoilt):
    def made(self, chunks, document):
        return [chunk for chunk in chunks for _ in range(2)]


class OverlapsUnasked(Spoilt):
    def made(self, chunks, document):
        return chunks[:1] + [
            moved(chunk, document, max(before.start, chunk.start - 1), chunk.end)
            for before, chunk in pairwise(chunks)
        ]


class HasParentsElsewhere(Spoilt):
    def made(self, chunks, document):
        return [replace(chunk, parent=(chunk.start + 1, chunk.end + 1)) for chunk in chunks]


class HasEmptyParents(Spoilt):
    """What is found is a parent that says nothing."""

    def made(self, chunks, document):
        return chunks + [replace(moved(chunks[-1], document, n, n), parent=(n, n)) for n in self.n]

    n = ()

    def given(self, document):
        self.n = (len(document.text),) if document.text.strip() else ()
        return document


class GivesNothing(Spoilt):
    """A text of white space has no chunk, so that its document cannot be found."""

    def made(self, chunks, document):
        return [chunk for chunk in chunks if chunk.text]


class StripsNothing(Spoilt):
    """A text of white space is a chunk of white space."""

    def made(self, chunks, document):
        return chunks if chunks[0].text else [moved(chunks[0], document, 0, len(document.text))]


class ChunksNothing:
    def cut(self, document):
        return []
