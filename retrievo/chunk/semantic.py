"""Cuts where neighbouring sentences part in meaning, by the vectors of an encoder."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.chunk.cutting import Cutter, Window, empty_chunk, trimmed
from retrievo.chunk.measured import Measured
from retrievo.chunk.sentence_ends import SentencePlaces, sentence_ends
from retrievo.chunk.sizing import Sizing, begins_with_title, check_whole
from retrievo.contracts import Encoder, Tokenizer
from retrievo.errors import ConfigError
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""

_AT_ONCE = 512
"""Sentences whose vectors are in memory together."""

_SEEN = 1_000
"""Characters of a sentence that say what it is about: an encoder would cut off more."""


class SemanticChunker:
    """Chunks that end where the distance between neighbouring sentences is unusually large.

    Each sentence is encoded with `buffer` sentences before and behind it; a document is cut between
    two whose cosine distance is above the `percentile` of all distances in it (the percentile
    breakpoints of Kamradt 2023, "5 Levels of Text Splitting"). What lies between two cuts and has
    more than `chunk_size` tokens is cut at sentences, with `chunk_overlap` tokens of whole
    sentences repeated. Every sentence is encoded once more than with other chunkers: it costs as
    much again as the encoding of the index, and more.

    A chunk's context is the document's title, unless its text begins with it. `tokenizer` is what
    RecursiveChunker takes.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        chunk_size: int = 256,
        chunk_overlap: int = 0,
        percentile: float = 95.0,
        buffer: int = 1,
        tokenizer: Tokenizer | str | None = None,
    ) -> None:
        self._sizing = Sizing(chunk_size, chunk_overlap, tokenizer, encoder)
        if not 0 <= percentile <= 100:
            raise ConfigError(f"percentile is {percentile}; a number from 0 to 100 is wanted")
        check_whole("buffer", buffer, 0)
        self._encoder, self._percentile, self._buffer = encoder, percentile, buffer

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return self._sizing.tokenizer_name

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks."""
        return self._sizing.parameters(
            "semantic",
            FORMAT,
            percentile=self._percentile,
            buffer=self._buffer,
            encoder=self._encoder.fingerprint,
        )

    def chunk(self, document: Document) -> list[Chunk]:
        """Chunks in order, without white space at their edges; all else of the text is in one.

        A text of nothing but white space gives one chunk, empty, at 0. Raises EncoderError.
        """
        context, budget = self._sizing.fitted(document.title)
        start, end = trimmed(document.text, 0, len(document.text))
        if start >= end:
            return [empty_chunk(document, context)]
        measured = Measured(document.text[start:end], self._sizing.tokenizer)
        cutter = Cutter(measured, SentencePlaces(measured.text))
        chunks = []
        for first, last in self._parts(measured.text):
            for window in cutter.cut(first, last, budget, self._sizing.overlap_of(budget)):
                chunks.append(_chunk(document, start, window, context))
        return chunks

    def _parts(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of what lies between two cuts."""
        sentences = _sentences(text)
        if len(sentences) < 3:
            yield 0, len(text)
            return
        distances = self._distances(text, sentences)
        limit = np.percentile(distances, self._percentile)
        begin = 0
        for place in np.flatnonzero(distances > limit).tolist():
            yield begin, sentences[place][1]
            begin = sentences[place][1]
        yield begin, len(text)

    def _distances(self, text: str, sentences: list[tuple[int, int]]) -> npt.NDArray[np.float64]:
        """1 - cosine of each sentence and the next, float64[len(sentences) - 1]."""
        last = len(sentences) - 1
        found: list[npt.NDArray[np.float64]] = []
        before: npt.NDArray[np.float64] | None = None
        for at in range(0, len(sentences), _AT_ONCE):
            texts = []
            for n in range(at, min(at + _AT_ONCE, len(sentences))):
                begin, _ = sentences[max(0, n - self._buffer)]
                _, end = sentences[min(last, n + self._buffer)]
                texts.append(text[begin : min(end, begin + _SEEN)])
            vectors = np.array(self._encoder.encode_document(texts), np.float64)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors /= np.where(lengths > 0, lengths, 1)
            rows = vectors if before is None else np.concatenate([before, vectors])
            found.append(1 - (rows[:-1] * rows[1:]).sum(axis=1))
            before = rows[-1:]
        return np.concatenate(found)


def _sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, without white space at the edges, none of them empty."""
    found = []
    begin = 0
    for end in [*sentence_ends(text), len(text)]:
        start, stop = trimmed(text, begin, end)
        if start < stop:
            found.append((start, stop))
        begin = max(begin, end)
    return found


def _chunk(document: Document, lead: int, window: Window, context: str) -> Chunk:
    start, end = lead + window.start, lead + window.end
    piece = document.text[start:end]
    begins = begins_with_title(document, piece)
    return Chunk(
        document.id, piece, start, end, window.tokens, document.metadata, "" if begins else context
    )
