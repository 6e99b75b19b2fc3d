"""Cuts where neighbouring sentences part in meaning, by the vectors of an encoder."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from retrievo.arguments import check_whole
from retrievo.chunk.cutting import Cutter, chunk_of, empty_chunk, trimmed
from retrievo.chunk.measured import Measured
from retrievo.chunk.sentence_ends import SentencePlaces, sentence_ends
from retrievo.chunk.sizing import Sizing
from retrievo.contracts import Encoder, Tokenizer
from retrievo.errors import ConfigError
from retrievo.types import Chunk, Document

FORMAT = 1
"""Counts up when the same text and the same parameters give other chunks."""

_AT_ONCE = 512
"""Sentences whose vectors are in memory together."""

_SEEN = 256
"""Tokens of a sentence and its neighbours that say what it is about."""


class SemanticChunker:
    """Chunks that end where the distance between neighbouring sentences is unusually large.

    Each sentence is encoded with `buffer` sentences before and behind it; a document is cut between
    two whose cosine distance is above the `percentile` of all distances in it (the percentile
    breakpoints of Kamradt 2023, "5 Levels of Text Splitting"), unless that would leave fewer than
    `min_chunk_size` tokens on a side. What lies between two cuts and has more than `chunk_size`
    tokens is cut at the largest distance in the second half of what fits, with `chunk_overlap`
    tokens of whole sentences repeated. Every sentence is encoded with its neighbours: that costs
    more than the encoding of the index.

    A chunk's context is the document's title, unless its text begins with it. `tokenizer` is what
    RecursiveChunker takes.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        chunk_size: int = 256,
        chunk_overlap: int = 0,
        min_chunk_size: int | None = None,
        percentile: float = 95.0,
        buffer: int = 1,
        tokenizer: Tokenizer | str | None = None,
    ) -> None:
        self._sizing = Sizing(chunk_size, chunk_overlap, tokenizer, encoder)
        least = chunk_size // 8 if min_chunk_size is None else min_chunk_size
        check_whole("min_chunk_size", least, 0)
        if least >= chunk_size:
            raise ConfigError(
                f"min_chunk_size is {least} and chunk_size {chunk_size}; it must be smaller"
            )
        if not 0 <= percentile <= 100:
            raise ConfigError(f"percentile is {percentile}; a number from 0 to 100 is wanted")
        check_whole("buffer", buffer, 0)
        self._encoder, self._percentile, self._buffer = encoder, percentile, buffer
        self._least = least
        # Half of what the encoder reads: `tokenizer` may count fewer tokens than the encoder does,
        # and a sentence that is cut short here is nothing to warn of.
        room = self._sizing.room
        self._seen = _SEEN if room is None else max(1, min(_SEEN, room // 2))

    @property
    def tokenizer_name(self) -> str:
        """What a passport calls the tokenizer that counts."""
        return self._sizing.tokenizer_name

    def parameters(self) -> dict[str, Any]:
        """What a passport keeps of this chunker: with other values it makes other chunks."""
        return self._sizing.parameters(
            "semantic",
            FORMAT,
            min_chunk_size=self._least,
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
        sentences = _sentences(measured.text)
        distances = self._distances(measured, sentences)
        ends = [end for _, end in sentences[:-1]]
        cutter = Cutter(measured, _FarthestApart(measured.text, ends, distances))
        chunks = []
        for first, last in self._parts(measured, ends, distances):
            for window in cutter.cut(first, last, budget, self._sizing.overlap_of(budget)):
                chunks.append(chunk_of(document, start, window, context))
        return chunks

    def _parts(
        self, measured: Measured, ends: list[int], distances: npt.NDArray[np.float64]
    ) -> Iterator[tuple[int, int]]:
        """Start and end of what lies between two cuts."""
        begin = 0
        if len(distances) > 1:
            limit = np.percentile(distances, self._percentile)
            most = len(measured.starts) - self._least
            for place in np.flatnonzero(distances > limit).tolist():
                tokens = measured.index(ends[place])
                if measured.index(begin) + self._least <= tokens <= most:
                    yield begin, ends[place]
                    begin = ends[place]
        yield begin, len(measured.text)

    def _distances(
        self, measured: Measured, sentences: list[tuple[int, int]]
    ) -> npt.NDArray[np.float64]:
        """1 - cosine of each sentence and the next, float64[len(sentences) - 1]."""
        found = [np.empty(0)]
        before: npt.NDArray[np.float64] | None = None
        places = self._read(measured, np.array(sentences))
        for at in range(0, len(sentences) if len(sentences) > 1 else 0, _AT_ONCE):
            texts = [measured.text[start:end] for start, end in places[at : at + _AT_ONCE].tolist()]
            vectors = np.array(self._encoder.encode_document(texts), np.float64)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            vectors /= np.where(lengths > 0, lengths, 1)
            rows = vectors if before is None else np.concatenate([before, vectors])
            found.append(1 - (rows[:-1] * rows[1:]).sum(axis=1))
            before = rows[-1:]
        return np.concatenate(found)

    def _read(self, measured: Measured, sentences: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Start and end of what is read for each sentence, int64[len(sentences), 2].

        It is the sentence between its neighbours, the nearest part of them where they are long.
        """
        start, end = sentences[:, 0], sentences[:, 1]
        number = np.arange(len(sentences))
        low = start[np.maximum(number - self._buffer, 0)]
        high = end[np.minimum(number + self._buffer, len(sentences) - 1)]
        starts = np.append(measured.starts, len(measured.text))
        own = starts.searchsorted(start)
        free = np.maximum(self._seen - (starts.searchsorted(end) - own), 0)
        first = np.maximum(own - free // 2, starts.searchsorted(low))
        last = np.minimum(first + self._seen, len(starts) - 1)
        # A token may be a part of a character, or begin with the space before it.
        low = np.minimum(np.maximum(low, starts[first]), start)
        high = np.maximum(np.minimum(high, starts[last]), start + 1)
        return np.stack([low, high], axis=1)


class _FarthestApart:
    """Cuts between the two sentences that are farthest apart, of those where a chunk may end."""

    def __init__(self, text: str, ends: list[int], distances: npt.NDArray[np.float64]) -> None:
        self._ends, self._distances = ends, distances
        self._sentences = SentencePlaces(text)

    def last(self, low: int, middle: int, limit: int) -> int:
        first, stop = bisect_right(self._ends, max(low, middle)), bisect_right(self._ends, limit)
        if first < stop:
            # The last of equals, so that chunks are no smaller than they need to be.
            return self._ends[stop - 1 - int(self._distances[first:stop][::-1].argmax())]
        return self._sentences.last(low, middle, limit)

    def first(self, low: int, high: int) -> int:
        return self._sentences.first(low, high)


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
